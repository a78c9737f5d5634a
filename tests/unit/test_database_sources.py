"""Databases in a source file: what is written, what a home keeps, one sentence for each way to write it wrongly."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lakehouse.bronze.watermark import OrderedColumn
from lakehouse.databases.address import parse_jdbc, parse_target
from lakehouse.databases.declaration import Login, login
from lakehouse.databases.dialects import DIALECTS, Column, Kind
from lakehouse.errors import InputError
from lakehouse.settings import CHECKOUT, load_settings
from lakehouse.sources import Source, load_source, parse_source, remember, remembered_sources

URL = "jdbc:postgresql://db.shop.example/shop?sslmode=require"


def source(folder: Path, **options: Any) -> Source:
    products = {
        "path": URL,
        "user": "reader",
        "password": "${SHOP_DB_PASSWORD}",
        "table": "public.products",
        "key": ["product_id"],
        "columns": {"product_id": "id"},
        **options,
    }
    given = {name: value for name, value in products.items() if value is not None}
    return parse_source({"name": "shop", "entities": {"products": given}}, folder)


def test_a_database_is_read_as_it_is_written(tmp_path: Path) -> None:
    table = source(tmp_path, watermark="changed_at", overlap="2 days").entities["products"].database
    assert table is not None
    assert (table.url, table.table, table.user, table.password) == (
        URL,
        "public.products",
        "reader",
        "${SHOP_DB_PASSWORD}",
    )
    assert (table.watermark, table.overlap_time, table.max_connections) == ("changed_at", timedelta(days=2), 2)
    assert table.name() == "postgresql://db.shop.example:5432/shop#public.products"


def test_the_overlap_is_an_hour_or_a_thousand_unless_stated(tmp_path: Path) -> None:
    table = source(tmp_path, watermark="changed_at").entities["products"].database
    assert table is not None
    assert (table.overlap_time, table.overlap_number) == (timedelta(hours=1), 1000)


def test_a_home_keeps_the_name_of_a_secret_and_never_the_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_DB_PASSWORD", "hunter2")
    written = source(tmp_path)
    settings = load_settings(home=tmp_path / "home")
    remember(settings, written)
    assert remembered_sources(settings) == [written]
    kept = (settings.home / "sources" / "shop.json").read_text(encoding="utf-8")
    assert "${SHOP_DB_PASSWORD}" in kept
    assert "hunter2" not in kept
    table = written.entities["products"].database
    assert table is not None
    assert login(table, tmp_path) == Login("reader", "hunter2")
    assert "hunter2" not in repr(login(table, tmp_path))


def test_a_password_may_lie_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(" spaces count \n", encoding="utf-8")
    table = source(tmp_path, password=None, password_file="secret").entities["products"].database
    assert table is not None
    assert login(table, tmp_path).password == " spaces count "
    (tmp_path / "secret").unlink()
    with pytest.raises(InputError, match="`password_file: secret` cannot be read .*No such file"):
        login(table, tmp_path)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"password": "hunter2"}, "`password:` must name a variable of the environment"),
        ({"password": "${SHOP_DB_PASSWORD:-hunter2}"}, "`password:` must name a variable of the environment"),
        ({"password_file": "secret"}, "`password:` and `password_file:` are both there"),
        ({"path": "jdbc:postgresql://me:hunter2@host/shop"}, "must not hold a user or password"),
        ({"path": "jdbc:mysql://host/shop?password=hunter2"}, r"must not hold a secret \(`password=`\)"),
        ({"path": "jdbc:mariadb://host/s?trustStorePassword=hunter2"}, r"must not hold a secret"),
        ({"path": "jdbc:oracle:thin:@hunter2"}, "`jdbc:oracle:` is no database that can be spoken to"),
        ({"path": "jdbc:postgresql://host:hunter2/shop"}, "a port or host that cannot be read"),
        ({"path": "jdbc:postgresql://host"}, "must name one server and a database"),
        ({"path": "jdbc:mysql://host/shop/public"}, "has no schemas within a database"),
        ({"path": "jdbc:postgresql://host/shop/public"}, "write a schema as `table: schema.table`"),
        ({"path": [URL, "x.csv"]}, "a database must be the only `path:`"),
        ({"path": "x.csv", "table": None, "user": None}, "`password:` is for databases"),
        ({"format": "csv"}, "`format:` is for files"),
        ({"table": None}, "a database needs `table:` or `query:`, one of them"),
        ({"query": "select 1"}, "a database needs `table:` or `query:`, one of them"),
        ({"table": "products; drop table x"}, "must be a name as SQL has it"),
        ({"watermark": "changed_at", "key": None}, "a `watermark:` needs a `key:`"),
        ({"overlap": "1 hour"}, "`overlap:` means something only beside `watermark:`"),
        ({"watermark": "changed_at", "overlap": "a while"}, "must be a span such as 30 minutes"),
        ({"max_connections": "0"}, "must be a number from 1 to 32"),
        ({"watermrk": "changed_at"}, "unknown setting `watermrk`; did you mean `watermark`?"),
    ],
)
def test_a_mistake_is_one_sentence_without_the_secret(tmp_path: Path, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as refused:
        source(tmp_path, **options)
    assert str(refused.value).startswith("products: ")
    assert "hunter2" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_variable_that_is_not_set_is_told_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SHOP_DB_PASSWORD", raising=False)
    monkeypatch.setenv("SHOP_DB_USER", "reader")
    with pytest.raises(InputError, match="order_lines: the variable SHOP_DB_PASSWORD in .* is not set"):
        load_source(CHECKOUT / "examples" / "shop_database.yml")
    monkeypatch.setenv("SHOP_DB_PASSWORD", "hunter2")
    assert load_source(CHECKOUT / "examples" / "shop_database.yml").name == "shop_database"


def test_a_secret_within_a_variable_of_the_url_is_refused_when_it_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_DB_URL", "jdbc:postgresql://me:hunter2@host/shop")
    table = source(tmp_path, path="${SHOP_DB_URL}").entities["products"].database
    assert table is not None
    with pytest.raises(InputError, match="must not hold a user or password") as refused:
        table.address()
    assert "hunter2" not in str(refused.value)


def test_addresses() -> None:
    assert parse_jdbc("jdbc:mariadb://[::1]:3307/shop").plain == "mariadb://[::1]:3307/shop"
    target = parse_target("postgres://me@host/shop/sales?sslmode=require")
    assert (target.plain, target.user, target.schema) == ("postgresql://host:5432/shop", "me", "sales")
    assert DIALECTS["mysql"].jdbc_url(parse_jdbc("jdbc:mariadb://host/shop")).startswith("jdbc:mysql://host:3306/shop?")


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("instant", "2024-02-29T23:00:00.500000Z", datetime(2024, 2, 29, 23, 0, 0, 500000)),
        ("local", "2024-02-29T23:00:00.000000", datetime(2024, 2, 29, 23)),
        ("date", "2024-02-29", date(2024, 2, 29)),
        ("number", "12.50", Decimal("12.5")),
        ("instant", "infinity", None),
        ("local", "0000-00-00T00:00:00.000000", None),
        ("number", "NaN", None),
        ("date", None, None),
    ],
)
def test_a_watermark_is_read_from_text_or_is_none(kind: Kind, text: str | None, value: Any) -> None:
    column = OrderedColumn(Column("a=b", "x", False), kind, DIALECTS["postgresql"])
    assert column.value(text) == value
    load = {"watermark": column.mark(value), "file": "f"}
    assert column.marked(load) == value
    assert column.last([load], "f") == value
    assert column.last([load], "another table") is None
    assert column.last([], "f") is None


def test_a_time_in_a_future_that_cannot_be_is_no_watermark() -> None:
    column = OrderedColumn(Column("changed_at", "timestamptz", False), "instant", DIALECTS["postgresql"])
    now = datetime(2024, 2, 28, 12, tzinfo=timezone.utc)
    assert column.can_be(now) == "\"changed_at\" <= '2024-02-29T12:00:00.000000Z'::timestamptz"


def test_rows_without_a_watermark_are_always_read() -> None:
    nullable = OrderedColumn(Column("changed_on", "date", True), "date", DIALECTS["mysql"])
    assert nullable.since(date(2024, 2, 29)) == "(`changed_on` >= '2024-02-29' or `changed_on` is null)"
