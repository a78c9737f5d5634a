"""Sail and Spark: what one answers, the other does."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections import Counter
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from deltalake import DeltaTable
from pyspark.sql import functions as F

from lakehouse import ops
from lakehouse.builds import LEDGER, Ledger
from lakehouse.cli.records import record, tuples
from lakehouse.engine import fitting_engine, functions
from lakehouse.engine import query as rows_of
from lakehouse.engine.sail import close_sail, open_sail
from lakehouse.errors import LakehouseError
from lakehouse.pipeline import HISTORY, last_day_of_data
from lakehouse.privacy import subject
from lakehouse.privacy.erasure import certificate
from lakehouse.privacy.erasure.requests import erase
from lakehouse.privacy.keyring import open_keyring
from lakehouse.privacy.retention.expiry import expire, planned
from lakehouse.reader import query, query_in_process
from lakehouse.settings import Settings, load_settings
from lakehouse.storage import list_tables
from lakehouse.transformation import Transformation
from ml.tasks import TASKS
from tests.conftest import forget_tables, use_home
from tests.integration.conftest import Shop
from tests.integration.content import rows

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MADE = ("silver", "gold", "ml")
TEXTS = [
    None, "", " ", "12", "-3", " 12.5 ", "1e3", "abc", "a|b|c", "a,b", "Zürich 北京 İ", "¥1,010.50", "1.2.3", "x'y",
    "a\\b", "5.3.2024 7:05", "05.03.2024 07:05", "31.2.2024 10:00", "2024-01-01", "2024-02-30", "01/02/2024",
    "20240131", "1.5.2024", "2024-01-01 10:00:00", "2024-01-01 25:00:00", "2024-01-01T10:00:00.123Z",
    "2024-06-01 10:00:00+08:00", "true", "yes", "1704067200", "1704067200123", "13800138000", '{"a": 1, "b": [2]}',
    "{", "9" * 40, "NaN", "0x1A", "1_000", "+7", ".5",
]  # fmt: skip


def test_every_expression_that_sources_may_give_sail_is_answered_as_by_spark(
    home_spark: SparkSession, home_settings: Settings
) -> None:
    values = ", ".join(
        "(null)" if text is None else "('" + text.replace("\\", "\\\\").replace("'", "\\'") + "')" for text in TEXTS
    )
    asked = functions.examples()
    columns = ", ".join(f"{expression} as r{place}" for place, expression in enumerate(asked))
    sql = f"select s, {columns} from (values {values}) as given (s)"
    by_spark = [row.asDict() for row in home_spark.sql(sql).collect()]
    by_sail = open_sail(home_settings).rows(sql).to_pylist()
    close_sail()
    assert len(by_spark) == len(by_sail) == len(TEXTS)
    differing = [
        f"{expression} of {spark['s']!r}: Spark {spark[f'r{place}']!r}, Sail {sail[f'r{place}']!r}"
        for spark, sail in zip(by_spark, by_sail)
        for place, expression in enumerate(asked)
        if _plain(spark[f"r{place}"]) != _plain(sail[f"r{place}"])
    ]
    assert not differing, "\n".join(differing)


def test_a_home_whose_source_asks_for_more_is_run_by_spark(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fitting_engine(shop.settings) == (shop.settings, [])
    told = [{"entity": "products", "columns": [("title", "initcap(name)")], "attributes": None}]
    monkeypatch.setattr("lakehouse.engine.ops.read", lambda settings, table: told)
    settings, strange = fitting_engine(shop.settings)
    assert (settings.engine, strange) == ("spark", ["initcap()"])


on_both = pytest.mark.skipif(
    "LAKEHOUSE_BOTH_ENGINES" not in os.environ, reason="two minutes: `make engines` and CI run it"
)


@pytest.fixture(scope="module")
def made_by_spark(spark: SparkSession, shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The shop's home with silver, gold and predictions made anew by Spark."""
    assert shop.settings.engine == "sail"
    home = tmp_path_factory.mktemp("spark") / "home"
    shutil.copytree(shop.settings.home, home)
    settings = load_settings(home=home, spark_master="local[2]", engine="spark")
    for schema in ("silver", "gold"):
        shutil.rmtree(settings.tables_dir / schema)
    (home / LEDGER).unlink()
    use_home(spark, settings)
    built, ledger = Transformation(settings), Ledger(settings)
    built.build("silver", ledger, None)
    day = last_day_of_data(settings)
    built.build("features", ledger, day)
    for task in TASKS:
        assert day is not None
        TASKS[task].score(spark, settings, day, settings.sample_seed)
    built.build("marts", ledger, day)
    built.build("history", ledger, day)
    return settings


@on_both
def test_spark_makes_the_tables_that_sail_made(made_by_spark: Settings, shop: Shop) -> None:
    settings = made_by_spark
    names = [name for name in list_tables(settings) if name[0] in MADE]
    assert names == [name for name in list_tables(shop.settings) if name[0] in MADE]
    assert len(names) > 40
    for name in names:
        if ".".join(name).startswith(HISTORY):
            continue  # steps have ended since Sail told it
        ours, theirs = _rows(shop.settings, *name), _rows(settings, *name)
        assert ours == theirs, (
            f"{'.'.join(name)}: {list((ours - theirs).elements())[:2]}, {list((theirs - ours).elements())[:2]}"
        )


@on_both
def test_rights_and_retention_are_kept_where_spark_is_the_engine(
    made_by_spark: Settings, spark: SparkSession, shop: Shop, tmp_path: Path
) -> None:
    settings = made_by_spark.model_copy(update={"home": tmp_path / "home"})
    shutil.copytree(made_by_spark.home, settings.home)
    use_home(spark, settings)
    ask, now = partial(rows_of, settings), partial(datetime.now, timezone.utc)
    buyers = [row["customer_id"] for row in rows(settings, "silver.order_lines") if row["is_known_customer"]]
    somebody, moved = sorted(set(buyers))[:2]
    assert subject.export(settings, somebody, tmp_path / "out", "asked", now, ask).rows > 5
    assert subject.restrict(settings, moved, False, "disputed", now, ask)
    assert subject.rectify(settings, moved, {"city": "Lyon"}, "moved", now, ask) == ["sample"]

    (last,) = (row["as_of_on"] for row in ops.read(settings, "as_of"))
    day = last + timedelta(days=680)
    by_spark = planned(settings, now, day)
    use_home(spark, shop.settings)  # the same rows of bronze, but for the correction, asked by Sail
    by_sail = planned(shop.settings, now, day)
    assert by_spark is not None
    assert by_sail is not None
    assert by_spark.rows == by_sail.rows != {}
    use_home(spark, settings)
    told = expire(settings, now, day)
    assert told is not None
    assert told.rows["silver.events"] > 0

    path = erase(settings, [somebody], "customers", "they asked", now, ask)
    with open_keyring(settings) as keyring:
        assert certificate.verify(settings, keyring, path)[1] == []
    use_home(spark, settings)
    Transformation(settings).build("silver", Ledger(settings), None)
    people = {row["customer_id"]: row for row in rows(settings, "silver.customers")}
    assert somebody not in people
    assert people[moved]["city"] == "Lyon"
    stood_for = sum(row["source_row_count"] for row in rows(settings, "silver.events"))
    refused = sum(row["entity"] == "events" for row in rows(settings, "silver.quarantine"))
    assert stood_for + refused == len(rows(settings, "bronze.events"))


def test_what_sail_refuses_is_said_in_its_words(home_settings: Settings) -> None:
    sail = open_sail(home_settings)
    with pytest.raises(LakehouseError, match="no_such_column"):
        sail.rows("select no_such_column from (values (1)) as given (a)")
    with pytest.raises(LakehouseError, match="no_such_table"):
        sail.rows("select * from silver.no_such_table")
    close_sail()


def test_a_join_that_ends_in_a_batch_of_more_than_128_mib_is_answered(home_settings: Settings) -> None:
    told = (
        "select id, many.wide from (select id, repeat(cast(id as string), 200) as wide from range(150000) "
        "where id % 3 >= 0) as many left join (select id + 1000000 as id from range(1000000)) as few using (id)"
    )
    batches = [batch.nbytes for batch in open_sail(home_settings).reader(told)]
    assert max(batches) > 128 * 2**20, "one batch as large as PySpark's client would refuse"


def _rows(settings: Settings, schema: str, table: str) -> Counter[str]:
    found = DeltaTable(settings.table_path(schema, table)).to_pyarrow_table()
    names = sorted(found.column_names)
    return Counter(repr([(name, _plain(row[name])) for name in names]) for row in found.to_pylist())


def _plain(value: Any) -> Any:
    """The value with doubles to twelve digits, and maps in one order."""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else float(f"{value:.11e}")
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc)  # PySpark's are of the machine's clock, and do not say so
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in sorted(value.items())}
    if isinstance(value, list):
        pairs = bool(value) and all(isinstance(item, tuple) for item in value)
        return [_plain(item) for item in (sorted(value) if pairs else value)]
    if isinstance(value, tuple):
        return tuple(_plain(item) for item in value)
    return value


def test_a_query_in_process_is_answered_as_by_spark(home_spark: SparkSession, shop: Shop) -> None:
    statement = "select * from gold.dim_customer order by customer_id"
    told = query_in_process(shop.settings, statement)
    assert told is not None
    ours = [record(told.column_names, row) for row in tuples(told)]
    close_sail()
    forget_tables(home_spark)
    frame = query(shop.settings, statement)
    asked = F.to_json(F.struct(*[F.col(f"`{name}`") for name in frame.columns]), {"ignoreNullFields": "false"})
    assert [_plain(json.loads(one)) for one in ours] == [
        _plain(json.loads(row[0])) for row in frame.select(asked).collect()
    ]


def test_what_is_not_published_as_it_stands_is_left_to_spark(copy_of_shop: Shop) -> None:
    statement = "select count(*) from gold.act_segments"
    assert query_in_process(copy_of_shop.settings, statement) is not None
    DeltaTable(copy_of_shop.settings.table_path("gold", "act_segments")).delete()
    assert query_in_process(copy_of_shop.settings, statement) is None
    told = query_in_process(copy_of_shop.settings, statement, unpublished=True)
    assert told is not None
    assert told.column(0).to_pylist() == [0]
    assert query_in_process(copy_of_shop.settings, "show tables in gold") is None
    assert query_in_process(copy_of_shop.settings, "select * from gold.no_such_table") is None
    close_sail()
