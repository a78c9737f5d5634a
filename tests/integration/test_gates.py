"""Gates on real Delta tables: counts, sample keys, what stops a run, what Data Docs show."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lakehouse import ops
from lakehouse.errors import GateFailed, InputError
from lakehouse.quality import GateReport, run_gate
from lakehouse.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NOON = datetime(2026, 5, 1, 12, tzinfo=timezone.utc)

ORDERS = """
table: silver.orders
about: three orders written by hand
key: [order_id]
rules:
  - type: expect_column_values_to_not_be_null
    columns: [order_id, customer_id]
    severity: error
    owner: nobody to thank
  - type: expect_column_values_to_be_between
    kwargs: {column: price, min_value: 0}
    severity: error
    owner: revenue is too low
  - type: expect_key_to_be_unique
    kwargs: {columns: [order_id]}
    severity: error
    owner: counted twice
  - type: expect_rows_to_satisfy
    name: net_is_gross
    kwargs: {condition: net = price}
    severity: warn
    owner: the books differ
  - type: expect_rows_to_satisfy
    name: most_nets_are_gross
    kwargs: {condition: net = price}
    mostly: 0.3
    severity: error
    owner: the books differ
  - type: expect_column_max_to_be_between
    kwargs: {column: price, max_value: 5}
    severity: warn
    owner: too dear
"""
# Rules that cost a query of their own: a window and a row condition.
DEARER = """
  - type: expect_column_values_to_be_unique
    kwargs: {column: order_id}
    severity: error
    owner: counted twice too
  - type: expect_column_values_to_be_in_set
    kwargs: {column: state, value_set: [paid]}
    row_condition: price > 5
    severity: error
    owner: unpaid
"""


@pytest.fixture
def suites(tmp_path: Path) -> Path:
    folder = tmp_path / "expectations"
    (folder / "silver").mkdir(parents=True)
    (folder / "silver" / "orders.yml").write_text(ORDERS + DEARER)
    return folder


def write_orders(spark: SparkSession, rows: list[tuple[Any, ...]]) -> None:
    schema = "order_id string, customer_id string, price double, net double, state string"
    spark.createDataFrame(rows, schema).write.format("delta").mode("overwrite").saveAsTable("silver.orders")


def gate(spark: SparkSession, settings: Settings, suites: Path, run_id: str = "run-1") -> GateReport:
    return run_gate(spark, settings, "silver", run_id, NOON, folder=suites)


def validations(settings: Settings) -> dict[tuple[str, str | None], dict[str, Any]]:
    return {(row["rule"], row["column_name"]): row for row in ops.read(settings, "validations")}


BROKEN = [("A", "c1", 10.0, 10.0, "paid"), ("A", None, -1.0, 0.0, "open"), ("B", "c2", 7.0, 6.5, "open")]


def test_every_rule_is_written_down_with_real_counts_and_the_keys_that_fail(
    home_spark: SparkSession, home_settings: Settings, suites: Path
) -> None:
    write_orders(home_spark, BROKEN)
    gate(home_spark, home_settings, suites)
    found = {
        name: (row["passed"], row["element_count"], row["unexpected_count"], json.loads(row["sample_keys"]))
        for name, row in validations(home_settings).items()
    }
    assert found == {
        ("expect_column_values_to_not_be_null", "order_id"): (True, 3, 0, []),
        ("expect_column_values_to_not_be_null", "customer_id"): (False, 3, 1, ["order_id=A"]),
        ("expect_column_values_to_be_between", "price"): (False, 3, 1, ["order_id=A"]),
        ("expect_key_to_be_unique", "order_id"): (False, 3, 1, ["order_id=A"]),
        ("expect_column_values_to_be_unique", "order_id"): (False, 3, 2, ["order_id=A", "order_id=A"]),
        ("net_is_gross", None): (False, 3, 2, ["order_id=A", "order_id=B"]),
        ("most_nets_are_gross", None): (True, 3, 2, []),
        ("expect_column_values_to_be_in_set", "state"): (False, 2, 1, ["order_id=B"]),
        ("expect_column_max_to_be_between", "price"): (False, 0, 0, []),
    }
    row = validations(home_settings)["net_is_gross", None]
    assert {name: row[name] for name in ("run_id", "layer", "table_name", "severity", "owner_sentence")} == {
        "run_id": "run-1",
        "layer": "silver",
        "table_name": "silver.orders",
        "severity": "warn",
        "owner_sentence": "the books differ",
    }
    assert row["validated_at"] == NOON


def test_a_failed_error_rule_raises_with_exit_code_3_and_names_what_failed(
    home_spark: SparkSession, home_settings: Settings, suites: Path
) -> None:
    write_orders(home_spark, BROKEN)
    with pytest.raises(GateFailed) as stopped:
        gate(home_spark, home_settings, suites).raise_if_failed()
    said = str(stopped.value)
    assert stopped.value.exit_code == 3
    assert "silver.orders: expect_column_values_to_be_between on price: 1 of 3 rows fail" in said
    assert "for example order_id=A" in said
    assert "net_is_gross" not in said


def test_a_failed_warning_does_not_stop(home_spark: SparkSession, home_settings: Settings, suites: Path) -> None:
    write_orders(home_spark, [("A", "c1", 10.0, 9.0, "paid"), ("B", "c2", 4.0, 4.0, "open")])
    report = gate(home_spark, home_settings, suites)
    report.raise_if_failed()
    assert [(o.rule.label, o.unexpected_count, o.observed) for o in report.warnings] == [
        ("net_is_gross", 1, ""),
        ("expect_column_max_to_be_between", 0, "10.0"),
    ]


def test_an_empty_table_passes(home_spark: SparkSession, home_settings: Settings, suites: Path) -> None:
    write_orders(home_spark, [])
    report = gate(home_spark, home_settings, suites)
    report.raise_if_failed()
    assert [(o.passed, o.element_count) for o in report.outcomes] == [(True, 0)] * 9


def test_a_sample_holds_five_keys_in_their_order(
    home_spark: SparkSession, home_settings: Settings, suites: Path
) -> None:
    write_orders(home_spark, [(f"A{n}", None, 1.0, 1.0, "paid") for n in (7, 3, 9, 1, 5, 2, 8)])
    report = gate(home_spark, home_settings, suites)
    (failed,) = report.failures
    assert failed.unexpected_count == 7
    assert failed.sample_keys == ("order_id=A1", "order_id=A2", "order_id=A3", "order_id=A5", "order_id=A7")


def test_data_docs_name_the_rule_its_meaning_and_the_key_that_fails_but_no_value(
    home_spark: SparkSession, home_settings: Settings, suites: Path
) -> None:
    write_orders(home_spark, BROKEN)
    report = gate(home_spark, home_settings, suites)
    assert report.data_docs == home_settings.reports_dir / "data_docs" / "index.html"
    assert "silver.orders" in report.data_docs.read_text()
    (page,) = (home_settings.reports_dir / "data_docs" / "validations").rglob("*.html")
    text = page.read_text()
    for said in (
        "revenue is too low",
        "<b>net_is_gross</b> (warn) condition net = price",
        "order_id=A",
    ):
        assert said in text
    assert "-1.0" not in text


def test_data_docs_add_up_over_gates_and_show_each_suite_once(
    home_spark: SparkSession, home_settings: Settings, suites: Path
) -> None:
    write_orders(home_spark, BROKEN)
    (suites / "gold").mkdir()
    (suites / "gold" / "customers.yml").write_text(
        "table: gold.customers\nrules:\n"
        "  - {type: expect_table_row_count_to_equal, kwargs: {value: 1}, severity: error, owner: one is expected}\n"
    )
    home_spark.sql("create table gold.customers using delta as select 1 as customer_id")
    gate(home_spark, home_settings, suites)
    run_gate(home_spark, home_settings, "gold", "run-1", NOON, folder=suites)
    write_orders(home_spark, [("A", "c1", 4.0, 4.0, "paid")])
    report = gate(home_spark, home_settings, suites, run_id="run-2")
    pages = sorted(p.relative_to(report.data_docs.parent) for p in report.data_docs.parent.rglob("2026*/*.html"))
    assert [page.parts[1:4] for page in pages] == [
        ("gold", "customers", "run-1"),
        ("silver", "orders", "run-2"),
    ]
    assert all(str(page) in report.data_docs.read_text() for page in pages)


def test_a_query_is_judged_like_a_table(home_spark: SparkSession, home_settings: Settings, suites: Path) -> None:
    write_orders(home_spark, BROKEN)
    (suites / "silver" / "books.yml").write_text(
        "table: silver.books\nkey: [state]\n"
        "query: select state, sum(price) as price, sum(net) as net from silver.orders group by state\nrules:\n"
        "  - {type: expect_rows_to_satisfy, kwargs: {condition: price = net}, severity: error, owner: books differ}\n"
    )
    report = run_gate(home_spark, home_settings, "silver", "r", NOON, tables=["silver.books"], folder=suites)
    (failed,) = report.failures
    assert (failed.element_count, failed.unexpected_count, failed.sample_keys) == (2, 1, ("state=open",))


@pytest.mark.parametrize(
    ("changed", "to", "said"),
    [
        ("table: silver.orders", "table: silver.nowhere", "there is no table silver.nowhere"),
        ("column: state", "column: status", "silver.orders has no column 'status'"),
        ("key: [order_id]", "key: [order]", "silver.orders has no key column 'order'"),
        (
            "condition: net = price",
            "condition: net = cost",
            "rule net_is_gross: cannot be judged",
        ),
        ("expect_column_max_to_be_between", "expect_column_max_to_be_huge", "Great Expectations has no"),
        ("min_value: 0", "minimum: 0", "rule expect_column_values_to_be_between: kwargs minimum"),
    ],
)
def test_a_suite_that_does_not_fit_its_table_is_refused_by_name(
    home_spark: SparkSession, home_settings: Settings, suites: Path, changed: str, to: str, said: str
) -> None:
    assert changed in ORDERS + DEARER
    name = "nowhere.yml" if "nowhere" in to else "orders.yml"
    (suites / "silver" / "orders.yml").unlink()
    (suites / "silver" / name).write_text((ORDERS + DEARER).replace(changed, to, 1))
    write_orders(home_spark, BROKEN)
    with pytest.raises(InputError) as refused:
        gate(home_spark, home_settings, suites)
    assert said in str(refused.value)
    assert name in str(refused.value)
    assert ops.read(home_settings, "validations") == []


def test_a_table_costs_no_more_than_one_aggregate_query(
    home_spark: SparkSession, home_settings: Settings, suites: Path
) -> None:
    """GX alone starts a job per round of metrics and a query per rule; the gate asks once (docs/decisions)."""
    from pyspark.sql import functions as F

    from lakehouse.quality.suites import read_suite
    from lakehouse.quality.table_check import check_table

    (suites / "silver" / "orders.yml").write_text(ORDERS)
    suite = read_suite(suites / "silver" / "orders.yml", "silver")
    write_orders(home_spark, [("A", "c1", 4.0, 4.0, "paid")])
    frame = home_spark.table("silver.orders")

    def jobs(work: Callable[[], object]) -> int:
        tracker = home_spark.sparkContext._jsc.sc().statusTracker()
        before = len(tracker.getJobIdsForGroup(None))
        work()
        return len(tracker.getJobIdsForGroup(None)) - before

    check_table(home_spark, home_settings, suite)  # the table's log is read and cached here
    one_query = jobs(lambda: frame.agg(F.count(F.lit(1)), F.count_distinct("order_id")).collect())
    assert jobs(lambda: check_table(home_spark, home_settings, suite)) <= one_query


def test_rules_that_files_can_tell_start_no_spark_at_all(
    home_spark: SparkSession, home_settings: Settings, suites: Path
) -> None:
    def no_session() -> SparkSession:
        raise AssertionError("Spark was asked")

    write_orders(home_spark, [("A", "c1", 4.0, 4.0, "paid"), ("B", "c1", 5.0, 5.0, "paid")])
    told_by_files = ORDERS.split("  - type: expect_column_max_to_be_between")[0]
    (suites / "silver" / "orders.yml").write_text(told_by_files)
    report = run_gate(no_session, home_settings, "silver", "r", NOON, folder=suites)
    assert [(o.rule.label, o.element_count, o.unexpected_count) for o in report.outcomes] == [
        ("expect_column_values_to_not_be_null", 2, 0),
        ("expect_column_values_to_not_be_null", 2, 0),
        ("expect_column_values_to_be_between", 2, 0),
        ("expect_key_to_be_unique", 2, 0),
        ("net_is_gross", 2, 0),
        ("most_nets_are_gross", 2, 0),
    ]


def test_an_empty_table_that_lacks_a_column_is_refused_like_a_full_one(
    home_spark: SparkSession, home_settings: Settings, suites: Path
) -> None:
    (suites / "silver" / "orders.yml").write_text(ORDERS.replace("column: price", "column: cost"))
    write_orders(home_spark, [])
    with pytest.raises(InputError, match="silver.orders has no column 'cost'"):
        gate(home_spark, home_settings, suites)


def test_an_empty_table_fails_where_rows_are_demanded(
    home_spark: SparkSession, home_settings: Settings, suites: Path
) -> None:
    demand = "\n  - {type: expect_table_row_count_to_equal, kwargs: {value: 1}, severity: error, owner: one day}\n"
    (suites / "silver" / "orders.yml").write_text(ORDERS + demand)
    write_orders(home_spark, [])
    (failed,) = gate(home_spark, home_settings, suites).failures
    assert (failed.rule.type, failed.observed) == ("expect_table_row_count_to_equal", "0")
