"""What a database does wrong, or a person with it: one sentence, the right exit code, nothing landed, no secret."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import pytest

from lakehouse.cli import main
from lakehouse.errors import InputError, LakehouseError
from lakehouse.scratch import scratch_folder
from tests.integration.databases.conftest import ALL, DatabaseShop, on_one, skip_unless_installed
from tests.integration.databases.servers import PASSWORD, STARTS, USER, Server

MANY_ROWS = {
    "postgresql": "select g as id, repeat('x', 200) as title from generate_series(1, 3000000) g",
    "mariadb": "select seq as id, repeat('x', 200) as title from seq_1_to_3000000",
}


def test_a_wrong_password_is_one_sentence_with_user_and_server(
    shop: DatabaseShop, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.run("create table products (id int, title text)")
    monkeypatch.setenv("SHOP_DB_PASSWORD", "Wr0ng-Of-The-Tests")
    with pytest.raises(InputError) as refused:
        shop.land(server)
    place = f"{server.scheme}://127.0.0.1:{server.port}/shop"
    assert str(refused.value).startswith(f"source shop, products: {place} refused the user {USER}: check the password")
    assert "Wr0ng" not in str(refused.value)
    assert shop.loads() == []


@on_one("postgresql")
def test_the_command_says_it_with_exit_code_2_and_lands_from_a_remembered_source(
    shop: DatabaseShop,
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.run("create table products (id int, title text)")
    server.run("insert into products values (1, 'a')")
    file = tmp_path / "shop.yml"
    file.write_text(
        f"name: shop\nentities:\n  products:\n    path: {server.jdbc}\n    user: {USER}\n"
        "    password: ${SHOP_DB_PASSWORD}\n    table: products\n    columns: {product_id: id}\n"
    )
    monkeypatch.setenv("LAKEHOUSE_HOME", str(shop.settings.home))

    def said_by(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["lakehouse", *arguments])
        code = main()
        out, complained = capsys.readouterr()
        return code, out, complained

    code, out, _ = said_by("ingest", "--source", str(file))
    assert (code, out.split()[-3:]) == (0, ["1", "1", "0"])
    server.run("insert into products values (2, 'b')")
    code, out, _ = said_by("ingest")
    assert (code, out.split()[-3:]) == (0, ["2", "2", "0"])
    monkeypatch.setenv("SHOP_DB_PASSWORD", "Wr0ng-Of-The-Tests")
    code, out, complained = said_by("ingest")
    assert (code, out, complained.count("\n")) == (2, "", 1)
    assert "refused the user reader" in complained
    monkeypatch.delenv("SHOP_DB_PASSWORD")
    code, _, complained = said_by("ingest")
    assert (code, complained.count("\n")) == (2, 1)
    assert "the variable SHOP_DB_PASSWORD" in complained


def test_what_is_not_there_is_named_with_what_is_near(shop: DatabaseShop, server: Server) -> None:
    server.run("create table products (id int primary key, title text, changed_at date)")
    for options, sentence in (
        ({"table": "produkts"}, "did you mean `products`?"),
        ({"watermark": "chnged_at"}, "`watermark: chnged_at` is no column of .* did you mean `changed_at`?"),
        ({"watermark": "title"}, "`watermark: title` is of type .*; it must be a time, a date or a number"),
        ({"partition_column": "idd"}, "`partition_column: idd` is no column of .* did you mean `id`?"),
        ({"query": "select nix from products"}, "the database says: .*nix"),
        ({"columns": {"product_id": "idd"}}, "no column `idd`; did you mean `id`?"),
        ({"path": server.jdbc.replace("127.0.0.1", "db.invalid")}, "there is no host db.invalid"),
    ):
        with pytest.raises(InputError, match=sentence):
            shop.land(server, **options)
    with pytest.raises(LakehouseError, match="cannot be reached") as away:
        shop.land(server, path=server.jdbc.replace(str(server.port), "1"))
    assert away.value.exit_code == 1
    assert shop.loads() == []


@pytest.mark.parametrize("scheme", list(STARTS) if ALL else ["postgresql"])
def test_a_server_killed_in_the_middle_of_a_read_leaves_nothing_behind(shop: DatabaseShop, scheme: str) -> None:
    skip_unless_installed(scheme)
    server = STARTS[scheme]()
    written = scratch_folder(shop.settings) / "reading"
    try:
        killer = threading.Thread(target=kill_while_read, args=(server, written))
        killer.start()
        with pytest.raises(LakehouseError) as gone:
            shop.land(server, query=MANY_ROWS[scheme], partition_column="id")
        killer.join()
        assert gone.value.exit_code == 1
        assert f"{server.scheme}://127.0.0.1:{server.port}/shop went away while it was read" in str(gone.value)
        assert PASSWORD not in str(gone.value)
    finally:
        server.stop()
    assert (shop.loads(), shop.current_rows()) == ([], [])
    assert not written.exists()
    assert not (shop.settings.home / "reading").exists()
    assert not (shop.settings.home / "landing.json").exists()


def kill_while_read(server: Server, reading: Path) -> None:
    """kill -9 a second after both connections have begun to write what they read, which takes several."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and len(list(reading.rglob("part-*.parquet"))) < 2:
        time.sleep(0.05)
    time.sleep(1)
    server.kill()
