"""A gold table in a real database: exact values, old rows or new ones, and the old ones when it fails."""

from __future__ import annotations

import threading
import time
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from lakehouse import ops, publication
from lakehouse.errors import InputError, LakehouseError
from lakehouse.export import export_table
from lakehouse.settings import Settings
from tests.conftest import forget_tables
from tests.integration.databases.conftest import on_one
from tests.integration.databases.servers import PASSWORD, Server

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("segment_name", pa.string()),
        ("clv_amount", pa.decimal128(18, 2)),
        ("churn_probability", pa.float64()),
        ("orders_count", pa.int64()),
        ("is_active", pa.bool_()),
        ("last_order_at", pa.timestamp("us", tz="UTC")),
        ("as_of_on", pa.date32()),
        ("attributes", pa.map_(pa.string(), pa.string())),
    ]
)
ANNA = {
    "customer_id": "c1",
    "segment_name": "Läuft 🎉 'x'\n\\",
    "clv_amount": Decimal("1234567890123456.78"),
    "churn_probability": 0.1,
    "orders_count": 2**53 + 1,
    "is_active": True,
    "last_order_at": datetime(2024, 3, 31, 2, 30, 0, 123456, tzinfo=timezone.utc),
    "as_of_on": date(2024, 2, 29),
    "attributes": [("k", "v"), ("ü", None)],
}
NOBODY = {"customer_id": "c2"}
TYPES = {
    "postgresql": "text text numeric float8 int8 bool timestamptz date jsonb",
    "mariadb": "longtext longtext decimal double bigint tinyint datetime date longtext",
}


@pytest.fixture
def gold(spark: SparkSession, home_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("LAKEHOUSE_EXPORT_PASSWORD", PASSWORD)
    ops.ensure_tables(home_settings)
    publish(home_settings, [ANNA, NOBODY])
    forget_tables(spark)  # the reader registers what it needs, as in a process of its own
    return home_settings


def publish(settings: Settings, rows: list[dict[str, Any]], schema: pa.Schema = SCHEMA) -> None:
    table = pa.Table.from_pylist(rows, schema=schema)
    path = settings.table_path("gold", "dim_product")
    write_deltalake(path, table, mode="overwrite", schema_mode="overwrite")
    publication.publish(settings, "run", datetime.now(timezone.utc), "2024-02-29", "x")


@pytest.fixture
def target(server: Server) -> Server:
    server.run("drop table if exists dim_product")
    return server


def ids(server: Server) -> list[str]:
    return [row[0] for row in server.run("select customer_id from dim_product order by customer_id")]


def tables(server: Server) -> list[str]:
    schema = "public" if server.scheme == "postgresql" else "shop"
    named = server.run(f"select table_name from information_schema.tables where table_schema = '{schema}'")
    return [row[0] for row in named]


def test_every_value_arrives_as_it_is_and_of_its_type(gold: Settings, target: Server) -> None:
    exported = export_table(gold, "gold.dim_product", target.target)
    assert exported.rows == 2
    is_postgresql = target.scheme == "postgresql"
    named = "udt_name" if is_postgresql else "data_type"
    found = target.run(
        f"select {named} from information_schema.columns where table_name = 'dim_product' order by ordinal_position"
    )
    assert " ".join(kind for (kind,) in found) == TYPES[target.scheme]
    hexed = "encode(convert_to(segment_name, 'UTF8'), 'hex')" if is_postgresql else "lower(hex(segment_name))"
    at = "last_order_at at time zone 'UTC'" if is_postgresql else "last_order_at"
    fact = "attributes ->> 'k', attributes ->> 'ü' is null"
    if not is_postgresql:
        fact = "json_value(attributes, '$.k'), json_extract(attributes, '$.ü') = 'null'"
    asked = f"{hexed}, clv_amount, churn_probability, orders_count, is_active, {at}, as_of_on, {fact}"
    (row,) = target.run(f"select {asked} from dim_product where customer_id = 'c1'")
    true = "t" if is_postgresql else "1"
    numbers = ["1234567890123456.78", "0.1", "9007199254740993"]
    times = ["2024-03-31 02:30:00.123456", "2024-02-29"]
    assert row == [str(ANNA["segment_name"]).encode().hex(), *numbers, true, *times, "v", true]
    nulls = " + ".join(f"case when {name} is null then 1 else 0 end" for name in SCHEMA.names)
    assert target.run(f"select {nulls} from dim_product where customer_id = 'c2'") == [[str(len(SCHEMA) - 1)]]


@on_one("mariadb")
def test_an_export_replaces_the_rows_and_keeps_the_table(gold: Settings, target: Server) -> None:
    export_table(gold, "dim_product", target.target)
    target.run("create index by_count on dim_product (orders_count)")
    publish(gold, [{"customer_id": "c3", "score": 1.5}], SCHEMA.append(pa.field("score", pa.float64())))
    export_table(gold, "dim_product", target.target)
    assert target.run("select customer_id, score from dim_product") == [["c3", "1.5"]]
    catalogue = (
        "pg_indexes where indexname"
        if target.scheme == "postgresql"
        else "information_schema.statistics where index_name"
    )
    assert target.run(f"select count(*) from {catalogue} = 'by_count'") == [["1"]]
    export_table(gold, "dim_product", target.target, "append")
    assert ids(target) == ["c3", "c3"]
    with pytest.raises(InputError, match="is there already"):
        export_table(gold, "dim_product", target.target, "fail")
    assert [name for name in tables(target) if name.startswith("lakehouse_export")] == []


@on_one("postgresql")
def test_a_failed_export_leaves_the_old_rows(gold: Settings, target: Server) -> None:
    export_table(gold, "dim_product", target.target)
    target.run("alter table dim_product add constraint few check (orders_count < 9007199254740999)")
    publish(gold, [{"customer_id": "c3", "orders_count": 1}, {"customer_id": "c4", "orders_count": 2**60}])
    with pytest.raises(LakehouseError, match="few"):
        export_table(gold, "dim_product", target.target)
    assert ids(target) == ["c1", "c2"]
    assert [name for name in tables(target) if name.startswith("lakehouse_export")] == []


@on_one("mariadb")
def test_a_reader_sees_the_old_rows_until_the_new_are_all_there(gold: Settings, target: Server) -> None:
    export_table(gold, "dim_product", target.target)
    publish(gold, [{"customer_id": f"n{i}"} for i in range(3)])
    seen: set[tuple[str, ...]] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add(tuple(ids(target)))
            time.sleep(0.01)

    reader = threading.Thread(target=read)
    reader.start()
    export_table(gold, "dim_product", target.target)
    time.sleep(0.2)
    done.set()
    reader.join()
    assert seen == {("c1", "c2"), ("n0", "n1", "n2")}


@pytest.mark.parametrize(
    ("to", "table", "sentence"),
    [
        ("oracle://me@host/db", "dim_product", "`oracle:` is no database that can be spoken to"),
        ("postgresql://me:literal@host/db", "dim_product", "--to must not hold a password"),
        ("postgresql://host", "dim_product", "must name one server and a database"),
        ("postgresql://me@host/db?sslpassword=literal", "dim_product", "--to must not hold a secret"),
        ("postgresql://me@host/db", "silver.customers", "is not a gold table"),
        (
            "postgresql://me@host/db",
            "dim_custmer",
            "there is no table gold.dim_custmer: did you mean gold.dim_product",
        ),
    ],
)
def test_what_cannot_be_exported_is_refused_in_a_sentence(gold: Settings, to: str, table: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as refused:
        export_table(gold, table, to)
    assert "literal" not in str(refused.value)
