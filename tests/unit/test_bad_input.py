"""Bad input of many kinds: one sentence that names it, the right exit code, no traceback."""

from __future__ import annotations

import errno
import gzip
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lakehouse.cli import main
from lakehouse.runlock import hold
from lakehouse.settings import load_settings

ORDERS = "no,pos,customer,sku,placed,qty,price\n1,1,c1,p1,2025-01-02 03:04:05,2,9.50\n"
SOURCE = """
name: shop
timezone: Europe/Berlin
currency: EUR
entities:
  order_lines:
    key: [order_id, line_number]
    path: orders.csv
    columns:
      order_id: no
      line_number: pos
      customer_id: customer
      product_id: sku
      ordered_at: placed
      quantity: qty
      unit_price: price
"""


class Shop:
    """A folder with a source file and its one export, to be spoilt."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.source = folder / "shop.yml"
        self.source.write_text(SOURCE)
        self.orders = folder / "orders.csv"
        self.orders.write_text(ORDERS)

    def change(self, old: str, new: str) -> None:
        assert old in SOURCE
        self.source.write_text(SOURCE.replace(old, new))


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LAKEHOUSE_HOME", raising=False)
    return Shop(tmp_path)


def told(arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The exit code and what is said on standard error, which is always one line."""
    monkeypatch.setattr(sys, "argv", ["lakehouse", *arguments])
    exit_code = main()
    said = capsys.readouterr().err.strip()
    assert "Traceback" not in said
    assert len(said.splitlines()) == 1, said
    return exit_code, said


SPOILS: dict[str, tuple[Callable[[Shop], object], str]] = {
    "source file missing": (lambda s: s.source.unlink(), "shop.yml does not exist"),
    "source file is a folder": (lambda s: (s.source.unlink(), s.source.mkdir()), "is a folder"),
    "bad YAML": (lambda s: s.change("name: shop", "name: [shop"), "not valid YAML"),
    "a key twice": (lambda s: s.change("currency: EUR", "name: other"), "appears twice"),
    "not a mapping": (lambda s: s.source.write_text("- a\n- b\n"), "must be a mapping"),
    "unknown entity": (lambda s: s.change("order_lines:", "order_line:"), "unknown entity `order_line`.*order_lines"),
    "unknown column": (
        lambda s: s.change("quantity: qty", "quantty: qty"),
        "unknown column `quantty`.*quantity",
    ),
    "unknown key column": (lambda s: s.change("[order_id, line_number]", "[order_no]"), "order_no"),
    "a column that the file lacks": (lambda s: s.change("unit_price: price", "unit_price: prise"), "prise.*price"),
    "expression does not parse": (
        lambda s: s.change("unit_price: price", "unit_price: price * (1 +"),
        "unit_price",
    ),
    "unknown time zone": (lambda s: s.change("Europe/Berlin", "Europe/Berlinn"), "Europe/Berlinn"),
    "no file matches": (lambda s: s.change("orders.csv", "order-*.csv"), r"no file matches `order-\*.csv`"),
    "path is a folder": (lambda s: (s.orders.unlink(), s.orders.mkdir()), "is a folder"),
    "empty file": (lambda s: s.orders.write_text(""), "orders.csv is empty"),
    "another format than its name": (lambda s: s.orders.write_text('{"no": 1}\n'), "is JSON, not CSV"),
    "a gzip cut short": (
        lambda s: (
            s.change("orders.csv", "orders.csv.gz"),
            s.orders.with_name("orders.csv.gz").write_bytes(gzip.compress(ORDERS.encode() * 99)[:-20]),
        ),
        "cut short",
    ),
    "bad source name": (lambda s: s.change("name: shop", "name: My Shop"), "My Shop"),
    "bad currency": (lambda s: s.change("EUR", "euro"), "euro"),
}


@pytest.mark.parametrize("kind", SPOILS)
def test_a_spoilt_source_is_told_in_one_sentence_with_exit_code_2(
    kind: str, shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import re

    spoil, sentence = SPOILS[kind]
    spoil(shop)
    exit_code, said = told(["ingest", "--source", "shop.yml"], monkeypatch, capsys)
    assert exit_code == 2
    assert re.search(sentence, said), said


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "--as-of", "31.12.2025"], "--as-of '31.12.2025' is no date"),
        (["fly"], "No such command 'fly'"),
        (["run", "--sauce", "x"], "No such option: --sauce"),
        (["generate", "--customers", "3", "out"], "Invalid value for '--customers'"),
        (["train", "astrology"], "there is no task 'astrology'"),
        (["validate", "platinum"], "there is no layer 'platinum'"),
        (["sql", "select 1 from gold.dim_customer"], "has no tables yet"),
        (["ingest"], "no source: give one with --source FILE"),
    ],
)
def test_a_wrong_command_is_told_in_one_sentence_with_exit_code_2(
    arguments: list[str],
    sentence: str,
    shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    exit_code, said = told(arguments, monkeypatch, capsys)
    assert (exit_code, sentence in said) == (2, True), said


def test_a_second_run_on_one_home_is_refused_with_exit_code_1(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with hold(load_settings(home=shop.folder / ".lakehouse")):
        exit_code, said = told(["ingest", "--source", "shop.yml"], monkeypatch, capsys)
    assert exit_code == 1
    assert "another run works on" in said


@pytest.mark.parametrize(
    ("number", "sentence"),
    [(errno.ENOSPC, "the disk is full"), (errno.EACCES, "no permission"), (errno.EROFS, "no permission")],
)
def test_a_fault_of_the_machine_is_told_in_one_sentence_with_exit_code_1(
    number: int,
    sentence: str,
    shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, "the operating system's words", "some/file")

    monkeypatch.setattr("lakehouse.runlock.open", fail, raising=False)
    exit_code, said = told(["ingest", "--source", "shop.yml"], monkeypatch, capsys)
    assert exit_code == 1
    assert sentence in said
    assert "some/file" in said
