"""Tables of real PostgreSQL and MariaDB servers in bronze: exact values, nothing twice, nothing lost."""

from __future__ import annotations

import subprocess
import threading
from typing import Any

import pytest

from lakehouse.bronze import landing
from tests.integration.databases.conftest import DatabaseShop, on_one
from tests.integration.databases.servers import PASSWORD, Server

TYPES: dict[str, list[tuple[str, str, str, str | None]]] = {
    "postgresql": [
        # column, type, literal, text in bronze
        ("big", "bigint", "9223372036854775807", "9223372036854775807"),
        ("price", "numeric(12,4)", "-12.5", "-12.5000"),
        ("ratio", "double precision", "0.1", "0.1"),
        ("single", "real", "0.1", "0.1"),
        ("is_live", "boolean", "true", "true"),
        ("local_at", "timestamp", "'2024-02-29 23:59:59.5'", "2024-02-29T23:59:59.500000"),
        ("zoned_at", "timestamptz", "'2024-03-01 07:00:00+08'", "2024-02-29T23:00:00.000000Z"),
        ("never_at", "timestamptz", "'infinity'", "infinity"),
        ("listed_on", "date", "'0044-03-15 BC'", "0044-03-15 BC"),
        ("picture", "bytea", r"'\x00ff27'", r"\x00ff27"),
        ("facts", "jsonb", """'{"a": [1, "ü"]}'""", '{"a": [1, "ü"]}'),
        ("tags", "text[]", "array['x,y', null]", '{"x,y",NULL}'),
        ("lasts", "interval", "'1 day 2 hours'", "1 day 02:00:00"),
        ("empty", "text", "''", ""),
        ("missing", "text", "null", None),
        ("words", "text", "E'日本 🎉 \"q\" ''s'' \\\\ a,b\\nnext'", "日本 🎉 \"q\" 's' \\ a,b\nnext"),
    ],
    "mariadb": [
        ("big", "bigint unsigned", "18446744073709551615", "18446744073709551615"),
        ("price", "decimal(12,4)", "-12.5", "-12.5000"),
        ("ratio", "double", "0.1", "0.1"),
        ("single", "float", "0.5", "0.5"),
        ("is_live", "boolean", "true", "1"),
        ("local_at", "datetime(3)", "'2024-02-29 23:59:59.5'", "2024-02-29T23:59:59.500000"),
        ("zoned_at", "timestamp null", "'2024-02-29 23:00:00'", "2024-02-29T23:00:00.000000Z"),
        ("never_at", "datetime", "'0000-00-00 00:00:00'", "0000-00-00T00:00:00.000000"),
        ("listed_on", "date", "'0000-00-00'", "0000-00-00"),
        ("picture", "varbinary(10)", "x'00ff27'", r"\x00ff27"),
        ("facts", "json", """'{"a": [1, "ü"]}'""", '{"a": [1, "ü"]}'),
        ("tags", "set('x','y')", "'x,y'", "x,y"),
        ("lasts", "time", "'-838:59:59'", "-838:59:59"),
        ("flags", "bit(10)", "b'1000000001'", "513"),
        ("empty", "text", "''", ""),
        ("missing", "text", "null", None),
        ("words", "longtext", "'日本 🎉 \"q\" ''s'' \\\\ a,b\\nnext'", "日本 🎉 \"q\" 's' \\ a,b\nnext"),
    ],
}


def fill(server: Server, rows: str, more: str = "") -> None:
    """A table of products with a time of change; `rows` are (id, title, changed_at)."""
    microseconds = "timestamp" if server.scheme == "postgresql" else "datetime(6)"
    server.run(
        f"create table products (id int primary key, title varchar(60), changed_at {microseconds} not null);"
        f"insert into products values {rows}; {more}"
    )


def test_every_type_comes_as_exact_text(shop: DatabaseShop, server: Server) -> None:
    columns = TYPES[server.scheme]
    quote = '"' if server.scheme == "postgresql" else "`"
    declared = ", ".join(f"{name} {kind}" for name, kind, _, _ in columns)
    literals = ", ".join(literal for _, _, literal, _ in columns)
    server.run("set time_zone = '+00:00';" if server.scheme == "mariadb" else "")
    server.run(
        f"create table products (id int, {quote}Order No.{quote} char(3), {declared});"
        + ("set time_zone = '+00:00';" if server.scheme == "mariadb" else "")
        + f"insert into products values (1, 'ab', {literals})"
    )
    (load,) = shop.land(server, columns={"product_id": "id", "title": "Order No."})
    (row,) = shop.current_rows()
    assert {name: row[name] for name, _, _, _ in columns} == {name: text for name, _, _, text in columns}
    assert (row["id"], row["Order_No."]) == ("1", "ab")
    assert (row["_source"], row["_row_number"], row["_batch_id"]) == ("shop", 1, load.batch_id)
    assert row["_file"] == f"{server.scheme}://127.0.0.1:{server.port}/shop#products"
    assert (load.rows_read, load.rows_landed, load.rows_quarantined) == (1, 1, 0)


def test_a_full_read_replaces_the_one_before_and_unchanged_rows_land_nothing(
    shop: DatabaseShop, server: Server
) -> None:
    fill(server, "(1, 'a', '2024-01-01'), (2, 'b', '2024-01-01'), (3, 'c', '2024-01-01')")
    (first,) = shop.land(server)
    assert shop.land(server) == []
    server.run("update products set title = 'B' where id = 2; delete from products where id = 3")
    (second,) = shop.land(server)
    assert [(row["batch_id"], row["is_current"]) for row in shop.loads()] == [
        (first.batch_id, False),
        (second.batch_id, True),
    ]
    assert shop.newest() == {"1": "a", "2": "B"}
    server.run("delete from products")
    (emptied,) = shop.land(server)
    assert (emptied.rows_read, shop.current_rows()) == (0, [])
    assert shop.land(server) == []


def test_an_incremental_read_lands_what_changed_and_nothing_twice(shop: DatabaseShop, server: Server) -> None:
    fill(server, "(1, 'a', '2024-01-01 10:00'), (2, 'b', '2024-01-01 11:00:00.123456'), (3, null, '2023-01-01')")
    by_time: dict[str, Any] = {"watermark": "changed_at", "overlap": "2 hours"}
    (first,) = shop.land(server, **by_time)
    assert first.watermark == "changed_at=2024-01-01T11:00:00.123456"
    assert shop.land(server, **by_time) == []
    server.run(
        "update products set title = 'A', changed_at = '2024-01-01 12:00' where id = 1;"
        "insert into products values (4, 'd', '2024-01-01 12:30')"
    )
    (second,) = shop.land(server, **by_time)
    assert (second.rows_read, second.rows_landed) == (2, 2)
    assert second.watermark == "changed_at=2024-01-01T12:30:00.000000"
    assert shop.newest() == {"1": "A", "2": "b", "3": None, "4": "d"}
    assert shop.land(server, **by_time) == []


@on_one("postgresql")
def test_a_row_changed_back_is_landed_again_and_a_full_read_finds_what_was_deleted(
    shop: DatabaseShop, server: Server
) -> None:
    fill(server, "(1, 'a', '2024-01-01 10:00'), (2, 'b', '2024-01-01 11:00'), (4, 'd', '2024-01-01 11:00')")
    by_time: dict[str, Any] = {"watermark": "changed_at", "overlap": "2 hours"}
    shop.land(server, **by_time)
    # Changed back, to the letter and to the time: the newest landed version is another.
    server.run("update products set title = 'b!' where id = 2")
    assert [load.rows_landed for load in shop.land(server, **by_time)] == [1]
    server.run("update products set title = 'b' where id = 2")
    assert [load.rows_landed for load in shop.land(server, **by_time)] == [1]
    assert shop.newest()["2"] == "b"
    # What lies before the overlap, and what was deleted, is found by reading all of it.
    server.run("delete from products where id = 4; insert into products values (9, 'old', '2024-01-01 08:00')")
    assert shop.land(server, **by_time) == []
    (whole,) = shop.land(server, whole_tables=True, **by_time)
    assert shop.newest() == {"1": "a", "2": "b", "9": "old"}
    assert [row["batch_id"] for row in shop.loads() if row["is_current"]] == [whole.batch_id]


@on_one("mariadb")
def test_a_row_committed_late_with_an_older_time_is_caught_by_the_overlap(shop: DatabaseShop, server: Server) -> None:
    fill(server, "(1, 'a', '2024-01-01 10:00')")
    by_time: dict[str, Any] = {"watermark": "changed_at", "overlap": "30 minutes"}
    shop.land(server, **by_time)
    late = server.session()
    assert late.stdin is not None
    late.stdin.write("begin; insert into products values (2, 'late', '2024-01-01 10:05');\n")
    late.stdin.flush()
    server.run("insert into products values (3, 'soon', '2024-01-01 10:20')")
    (second,) = shop.land(server, **by_time)
    assert (second.rows_landed, second.watermark) == (1, "changed_at=2024-01-01T10:20:00.000000")
    late.stdin.write("commit;\n")
    late.stdin.close()
    assert late.wait(timeout=20) == 0
    (third,) = shop.land(server, **by_time)
    assert (third.rows_landed, third.watermark) == (1, "changed_at=2024-01-01T10:20:00.000000")
    assert shop.newest() == {"1": "a", "2": "late", "3": "soon"}


@on_one("postgresql")
def test_a_partitioned_read_keeps_to_its_connections_and_lands_every_row_once(
    shop: DatabaseShop, server: Server
) -> None:
    numbers = "generate_series(1, 60000) g" if server.scheme == "postgresql" else "seq_1_to_60000"
    number = "g" if server.scheme == "postgresql" else "seq"
    server.run(f"create table products as select nullif({number}, 0) as id, repeat('x', 100) as title from {numbers}")
    server.run("insert into products values (null, 'in no range')")
    rows: dict[int, list[str]] = {}
    peaks: dict[int, int] = {}
    for connections in (1, 2):
        with Watch(server) as watch:
            shop.land(server, partition_column="id", max_connections=str(connections), whole_tables=True)
        peaks[connections] = watch.peak
        current = {row["batch_id"] for row in shop.loads() if row["is_current"]}
        assert len(current) == 1
        rows[connections] = [str(load["rows_landed"]) for load in shop.loads()]
    assert peaks == {1: 1, 2: 2}
    assert rows[2] == ["60001"]  # read in two parts it is the same content, so it is not landed again


class Watch:
    """Counts the reader's connections to a server until it is left."""

    COUNTS = {
        "postgresql": "select count(*) from pg_stat_activity where application_name = 'lakehouse'",
        "mariadb": "select count(*) from information_schema.processlist where user = 'reader'",
    }

    def __init__(self, server: Server) -> None:
        self._server, self.peak = server, 0
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._count)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *fault: object) -> None:
        self._left.set()
        self._thread.join()

    def _count(self) -> None:
        while not self._left.wait(0.03):
            ((count,),) = self._server.run(self.COUNTS[self._server.scheme])
            self.peak = max(self.peak, int(count))


@on_one("mariadb")
def test_a_landing_killed_before_it_is_written_down_loses_and_doubles_nothing(
    shop: DatabaseShop, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    fill(server, "(1, 'a', '2024-01-01 10:00')")
    shop.land(server, watermark="changed_at")
    server.run("insert into products values (2, 'b', '2024-01-01 12:00')")
    with monkeypatch.context() as patch:
        patch.setattr(landing.Journal, "commit", killed)
        with pytest.raises(Killed):
            shop.land(server, watermark="changed_at")
    server.run("insert into products values (3, 'c', '2024-01-01 13:00')")
    (load,) = shop.land(server, watermark="changed_at")
    assert (load.rows_landed, shop.newest()) == (2, {"1": "a", "2": "b", "3": "c"})
    assert len(shop.current_rows()) == 3


@on_one("mariadb")
def test_no_secret_lies_in_the_home(shop: DatabaseShop, server: Server) -> None:
    fill(server, "(1, 'a', '2024-01-01')")
    shop.land(server)
    kept = (shop.settings.home / "sources" / "shop.json").read_text(encoding="utf-8")
    assert "${SHOP_DB_PASSWORD}" in kept
    found = subprocess.run(["grep", "-rlF", PASSWORD, str(shop.settings.home)], capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (1, "")
