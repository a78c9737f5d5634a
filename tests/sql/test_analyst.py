"""The analysts' server: gold as published, in one step, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from pyhive import hive
from sqlalchemy import create_engine, inspect, text
from thrift.transport.TTransport import TTransportException

from lakehouse.settings import Settings
from lakehouse.sql_server.passwords import users_line
from tests.sql.servers import Server, home_with_gold, put_set

PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return home_with_gold(tmp_path_factory.mktemp("analyst") / "home")


@pytest.fixture(scope="module")
def server(settings: Settings) -> Iterator[Server]:
    users = settings.home / "users"
    users.write_text(users_line("anna", PASSWORD) + "\n")
    server = Server.start(settings, "analyst", LAKEHOUSE_SQL_USERS_FILE=str(users), A_SECRET="hidden")
    yield server
    server.stop()


@pytest.mark.parametrize(("user", "password"), [("anna", "wrong"), ("nobody", PASSWORD), ("anna", "none")])
def test_nobody_comes_in_without_the_password(server: Server, user: str, password: str) -> None:
    with pytest.raises(TTransportException, match="Bad status: 3"):
        server.rows("select 1", user=user, password=password)


def test_of_people_who_come_and_go_at_once_nobody_is_turned_away(server: Server) -> None:
    def come_and_go(_: int) -> int:
        return sum(len(server.rows("select 1", password=PASSWORD)) for _ in range(30))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(come_and_go, range(8))) == [30] * 8


def test_names_are_in_the_first_column_as_clients_of_hive_read_them(server: Server) -> None:
    assert server.rows("show tables in gold", password=PASSWORD) == [
        ("dim_customer", "gold", False),
        ("mart_totals", "gold", False),
    ]
    assert [row[0] for row in server.rows("show views in gold like 'mart*'", password=PASSWORD)] == ["mart_totals"]
    assert server.rows("show databases", password=PASSWORD) == [("default",), ("gold",)]


def test_sqlalchemy_lists_tables_and_types(server: Server) -> None:
    engine = create_engine(f"hive://anna:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{server.port}/gold?auth=CUSTOM")
    found = inspect(engine)
    assert found.get_table_names(schema="gold") == ["dim_customer", "mart_totals"]
    kinds = {column["name"]: str(column["type"]) for column in found.get_columns("dim_customer", schema="gold")}
    assert kinds == {
        "customer_id": "VARCHAR",
        "birth_on": "DATE",
        "last_ordered_at": "TIMESTAMP",
        "net_amount": "DECIMAL",
        "order_count": "BIGINT",
        "churn_probability": "FLOAT",
        "has_consent": "BOOLEAN",
    }
    with engine.connect() as connection:
        assert connection.execute(text("select sum(order_count) from gold.dim_customer")).scalar() == 7


def test_values_have_their_types_and_times_are_utc(server: Server) -> None:
    row = server.rows(
        "select birth_on, last_ordered_at, order_count, churn_probability, has_consent from gold.dim_customer "
        "where customer_id = 'c1'",
        password=PASSWORD,
    )[0]
    assert (str(row[0]), str(row[1])[:19], *row[2:]) == (
        str(date(1980, 2, 29)),
        "2025-12-31 23:59:58",
        3,
        0.25,
        True,
    )


def test_columns_are_described_from_the_yaml_of_dbt(server: Server) -> None:
    described = {row[0]: row[2] for row in server.rows("describe gold.dim_customer", password=PASSWORD)}
    assert described["customer_id"]


REFUSED = {
    "bronze by name": "select * from bronze.customers",
    "silver by name": "select * from silver.customers",
    "silver in a subquery": "select * from gold.dim_customer where order_count in (select 1 from silver.customers)",
    "silver in a common table expression": "with x as (select * from silver.customers) select * from x",
    "silver through IDENTIFIER": "select * from identifier('silver.' || 'customers')",
    "silver described": "describe silver.customers",
    "text by path": "select * from text.`{home}/users`",
    "delta by path": "select * from delta.`{tables}/silver/customers`",
    "parquet by path": "select * from parquet.`{tables}/silver/customers`",
    "delta by path through IDENTIFIER": "select * from identifier('delta.`{tables}/silver/customers`')",
    "a path in an explanation": "explain select * from delta.`{tables}/silver/customers`",
    "an unpublished table of gold": "select * from gold.mart_unpublished",
    "gold by path": "select * from delta.`{tables}/gold/mart_unpublished`",
    "time travel": "select * from gold.dim_customer version as of 0",
    "time travel by name": "select * from gold.`dim_customer@v0`",
    "changes": "select * from table_changes('gold.dim_customer', 0)",
    "changes by path": "select * from table_changes_by_path('{tables}/silver/customers', 0)",
    "java_method": "select java_method('java.lang.System', 'getenv', 'A_SECRET')",
    "reflect": "select reflect('java.lang.System', 'getenv', 'A_SECRET')",
    "reflect in a subquery": "select * from (select reflect('java.lang.System', 'exit', 1))",
    "Java by a name that is worked out": "select identifier('ref' || 'lect')('java.lang.System', 'getenv', 'A_SECRET')",
    "a program": "select transform(customer_id) using 'cat' from gold.dim_customer",
    "ADD JAR": "add jar {home}/users",
    "ADD FILE": "add file {home}/users",
    "LIST FILES": "list files",
    "CREATE FUNCTION": "create function f as 'org.apache.hadoop.hive.ql.udf.UDFLength'",
    "CREATE TEMPORARY FUNCTION": "create temporary function f as 'org.apache.hadoop.hive.ql.udf.UDFLength'",
    "SET": "set spark.sql.variable.substitute=true",
    "SET alone": "set",
    "RESET": "reset",
    "a view": "create view gold.v as select 1",
    "a temporary view": "create temporary view v as select * from gold.dim_customer",
    "a view of a file": "create temporary view v using text options (path '{home}/users')",
    "CREATE TABLE": "create table gold.t (a int) using delta",
    "CREATE TABLE AS": "create table default.t using delta as select * from gold.dim_customer",
    "CREATE TABLE at a path": "create table default.t using text location '{home}/users'",
    "CREATE SCHEMA": "create schema mine",
    "INSERT": "insert into gold.mart_totals select 1",
    "INSERT OVERWRITE": "insert overwrite gold.mart_totals select 1",
    "INSERT DIRECTORY": "insert overwrite directory '{home}/out' using csv select * from gold.dim_customer",
    "UPDATE": "update gold.mart_totals set total_amount = 0",
    "DELETE": "delete from gold.mart_totals",
    "MERGE": "merge into gold.mart_totals as t using gold.mart_totals as s on true when matched then delete",
    "DROP": "drop view gold.mart_totals",
    "ALTER": "alter view gold.mart_totals as select 1",
    "LOAD DATA": "load data inpath '{home}/users' into table gold.mart_totals",
    "CACHE": "cache table gold.dim_customer",
    "UNCACHE": "uncache table gold.dim_customer",
    "CLEAR CACHE": "clear cache",
    "ANALYZE": "analyze table gold.dim_customer compute statistics",
    "OPTIMIZE": "optimize delta.`{tables}/gold/dim_customer`",
    "VACUUM": "vacuum delta.`{tables}/gold/dim_customer` retain 0 hours",
    "history": "describe history delta.`{tables}/silver/customers`",
    "the environment": "select '${{env:A_SECRET}}' as a, * from silver.customers",
}


@pytest.mark.parametrize("attempt", REFUSED)
def test_an_analyst_is_refused(server: Server, settings: Settings, attempt: str) -> None:
    statement = REFUSED[attempt].format(home=settings.home, tables=settings.tables_uri)
    said = server.refusal(statement, password=PASSWORD)
    assert "not allowed: " in said or "TABLE_OR_VIEW_NOT_FOUND" in said, said
    assert "hidden" not in said


def test_a_variable_in_a_statement_stays_as_it_is_written(server: Server) -> None:
    assert server.rows("select '${env:A_SECRET}'", password=PASSWORD) == [("${env:A_SECRET}",)]


@pytest.mark.parametrize("name", ["spark.sql.variable.substitute", "spark.sql.catalog.mine", "spark.sql.ansi.enabled"])
def test_a_setting_that_comes_with_the_connection_is_refused(server: Server, name: str) -> None:
    with pytest.raises(hive.OperationalError, match=f"the setting {name} is not open to analysts"):
        server.connect(password=PASSWORD, configuration={f"set:hiveconf:{name}": "true"})


def test_what_is_left_is_answered(server: Server) -> None:
    for statement in (
        "use gold",
        "with x as (select * from gold.dim_customer) select a.* from x as a join x as b using (customer_id)",
        "select count(*) from gold.dim_customer as a, gold.dim_customer as b where a.customer_id < b.customer_id",
        "select *, row_number() over (order by net_amount) as place from gold.dim_customer union all select *, 1 from "
        "gold.dim_customer",
        "select explode(sequence(1, 3))",
        "select * from range(3)",
        "select * from values (1, 'a') as t(n, s)",
        "explain select * from gold.dim_customer",
        "describe extended gold.dim_customer",
        "show columns in gold.dim_customer",
        "show functions like 'sum'",
    ):
        server.rows(statement, password=PASSWORD)


def test_a_reader_never_sees_half_of_two_sets(server: Server, settings: Settings) -> None:
    """Both tables tell one number; while sets are published, every join of them finds it equal."""
    seen: list[tuple[Decimal, Decimal]] = []
    ended = threading.Event()

    def read() -> None:
        with server.connect(password=PASSWORD) as connection:
            cursor = connection.cursor()
            while not ended.is_set():
                cursor.execute(
                    "select (select sum(net_amount) from gold.dim_customer), max(total_amount) from gold.mart_totals"
                )
                seen.append(tuple(cursor.fetchall()[0]))

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(2, 7):
        put_set(settings, number)
        ended.wait(3)
    for _ in range(60):
        if seen and seen[-1][1] == 12:
            break
        ended.wait(1)
    ended.set()
    for reader in readers:
        reader.join()
    assert {pair for pair in seen if pair[0] != pair[1]} == set()
    assert seen[-1] == (12, 12)
    assert len(set(seen)) >= 3


def test_the_java_is_replaced_without_cutting_a_statement(tmp_path: Path) -> None:
    settings = home_with_gold(tmp_path / "home")
    server = Server.start(settings, "analyst", LAKEHOUSE_SQL_RECYCLE_STATEMENTS="8")
    try:
        with server.connect() as connection:
            cursor = connection.cursor()
            for _ in range(10):
                cursor.execute("select count(*) from gold.dim_customer")
            server.wait_for("replacing")
            cursor.execute("select count(*) from gold.dim_customer as a cross join range(1000)")
            server.wait_for("ready:", count=2)
            cursor.execute("select max(net_amount) from gold.dim_customer")  # still in the old one
            assert cursor.fetchall() == [(1,)]
            assert server.rows("select count(*) from gold.dim_customer") == [(2,)]
    finally:
        server.stop()
