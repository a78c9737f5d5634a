"""The statements that dbt and the project's macros write, taken apart."""

import pytest

from lakehouse.engine.statements import (
    Clause,
    Describe,
    Drop,
    Insert,
    LastCommit,
    ListSchemas,
    ListTables,
    MakeTable,
    Merge,
    Nothing,
    PutAside,
    Query,
    Statement,
    statement_of,
)

NOTE = '/* {"app": "dbt", "node_id": "model.lakehouse.stg_events"} */\n'


@pytest.mark.parametrize(
    ("sql", "statement"),
    [
        (
            "\n  create or replace table silver.events\n      using delta\n"
            "    tblproperties (\n'delta.dataSkippingStatsColumns' = 'event_on' )\n\n      as\n"
            "      with a as (select 1) select * from a",
            MakeTable(
                "silver.events",
                "with a as (select 1) select * from a",
                {"delta.dataSkippingStatsColumns": "event_on"},
            ),
        ),
        (
            "create or replace table gold.x\n\n    using delta\n as select 'as' as b",
            MakeTable("gold.x", "select 'as' as b"),
        ),
        (
            "create or replace table gold.x using delta as select /*+ repartition_by_range(4, day) */ * from y",
            MakeTable("gold.x", "select * from y", laid_out_by="day"),
        ),
        (
            "create table gold_x__touched using parquet location '/a/it\\'s here' as select distinct * from (select 1)",
            PutAside("gold_x__touched", "/a/it's here", "select distinct * from (select 1)"),
        ),
        ("insert into silver.x (`a`, b) select `a`, b from y", Insert("silver.x", "select `a`, b from y")),
        (
            "insert into gold.x replace where (day in (date'2025-01-01') or day is null)\n  select a from (select 1)",
            Insert("gold.x", "select a from (select 1)", "(day in (date'2025-01-01') or day is null)"),
        ),
        ("drop table if exists gold_x__touched", Drop("gold_x__touched")),
        ("drop view if exists gold_x__touched", Drop("gold_x__touched")),
        ("describe history silver.events limit 1", LastCommit("silver.events")),
        ("show databases\n  ", ListSchemas()),
        ("show table extended in silver like '*'", ListTables("silver")),
        ("describe extended silver.events", Describe("silver.events")),
        ("create schema if not exists gold", Nothing()),
        ("select 1;", Query("select 1")),
        ("create or replace temporary view x as select 1", Query("create or replace temporary view x as select 1")),
    ],
)
def test_statements_are_told_apart(sql: str, statement: Statement) -> None:
    assert statement_of(NOTE + sql) == statement


def test_a_merge_is_taken_apart_into_its_clauses() -> None:
    merge = statement_of(
        """
    merge into gold.fct_orders as stored
    using gold_fct_orders__changed as changed
    on
        stored.source = changed._source and
        stored.ordered_on in (date'2025-01-01', date'2025-01-02')
    when matched and changed._is_gone then delete
    when matched then update set `source` = changed.`source`, b = changed.b
    when not matched then insert (`source`, b) values (changed.`source`, changed.b)
    """
    )
    assert isinstance(merge, Merge)
    assert (merge.table, merge.source) == ("gold.fct_orders", "gold_fct_orders__changed")
    assert " ".join(merge.condition.split()) == (
        "stored.source = changed._source and stored.ordered_on in (date'2025-01-01', date'2025-01-02')"
    )
    assert merge.clauses == (
        Clause(True, "changed._is_gone", {}),
        Clause(True, "", {"source": "changed.`source`", "b": "changed.b"}),
        Clause(False, "", {"source": "changed.`source`", "b": "changed.b"}),
    )


def test_a_merge_may_read_a_query_and_insert_under_a_condition() -> None:
    merge = statement_of(
        "merge into silver.quarantine as stored\n    using (\n select a, cast(null as string) as _gone from x\n"
        "    ) as changed\n    on stored.batch_id = changed._gone\n    when matched then delete\n"
        "    when not matched and changed._gone is null then insert (a) values (changed.a)"
    )
    assert isinstance(merge, Merge)
    assert merge.source.strip("() \n") == "select a, cast(null as string) as _gone from x"
    assert merge.condition == "stored.batch_id = changed._gone"
    assert merge.clauses == (Clause(True, "", {}), Clause(False, "changed._gone is null", {"a": "changed.a"}))
