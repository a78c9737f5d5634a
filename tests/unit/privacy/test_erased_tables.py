"""Rows of persons out of Delta tables: which are found, what predicates say of odd names, what is left of the past."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from lakehouse.privacy.erasure import tables
from lakehouse.privacy.person_keys import BETWEEN, Keys, Mapped, Match, matches_of
from lakehouse.privacy.pseudonyms import Pseudonyms
from lakehouse.privacy.traces import Traces
from lakehouse.settings import Settings, load_settings

TRACES = Traces.of(Pseudonyms(b"k" * 32), ["C0000001"])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(home=tmp_path / "home")


def write(settings: Settings, name: str, rows: pa.Table, **more: object) -> DeltaTable:
    path = settings.table_path(*name.split("."))
    path.mkdir(parents=True, exist_ok=True)
    write_deltalake(str(path), rows, **more)
    return DeltaTable(str(path))


def match(column: str, *keys: str) -> list[Match]:
    return [Match("customer", (column,), frozenset(keys))]


def test_rows_are_found_trimmed_and_deleted_as_they_are_stored(settings: Settings) -> None:
    column = 'Kunden "Nr", no'
    rows = pa.table({column: [" C0000001", "C0000001\u3000", "C00000011", "it's", None], "n": [1, 2, 3, 4, 5]})
    write(settings, "silver.t", rows)
    found = tables.find_rows(settings, "silver.t", match(column, "C0000001", "it's", "gone"))
    assert found.rows == 3
    tables.delete_rows(settings, "silver.t", found.condition())
    assert sorted(DeltaTable(settings.table_uri("silver", "t")).to_pyarrow_table()["n"].to_pylist()) == [3, 5]
    assert tables.find_rows(settings, "silver.t", match(column, "C0000001", "it's")).rows == 0


def test_a_key_of_two_columns_is_told_by_both(settings: Settings) -> None:
    write(settings, "silver.m", pa.table({"partner_id": ["p", "p", "q"], "member_id": ["1", "2", "1"], "n": [1, 2, 3]}))
    keys = Keys()
    keys.add("member", "p", "1")
    keys.add("member", "q", "2")
    found = tables.find_rows(settings, "silver.m", matches_of(["partner_id", "member_id", "n"], keys))
    assert (found.rows, found.condition()) == (1, "(\"partner_id\" = 'p' AND \"member_id\" IN ('1'))")
    assert keys.of["member"] == {f"p{BETWEEN}1", f"q{BETWEEN}2"}


def test_a_cookie_that_somebody_else_has_too_is_not_only_theirs(settings: Settings) -> None:
    rows = pa.table({"customer_id": ["a", "a", "b", None], "anonymous_id": ["own", "shared", "shared", "own"]})
    write(settings, "silver.events", rows)
    theirs, others = tables.values_beside(settings, "silver.events", match("customer_id", "a"), ["anonymous_id"])
    assert theirs["anonymous_id"] - others["anonymous_id"] == {"own"}


def test_no_file_and_no_entry_of_the_log_is_left_of_the_past(settings: Settings) -> None:
    rows = pa.table({"customer_id": ["C0000001", "C0000002"], "n": [1, 2]})
    delta = write(settings, "gold.d", rows, configuration={"delta.enableChangeDataFeed": "true"})
    delta.update(predicate="n = 2", updates={"n": "3"})
    folder = settings.table_path("gold", "d")
    assert "C0000001" in (folder / "_delta_log" / "00000000000000000000.json").read_text(), "bounds name the person"
    tables.delete_rows(
        settings, "gold.d", tables.find_rows(settings, "gold.d", match("customer_id", "C0000001")).condition()
    )
    assert tables.files_with_traces(settings, "gold.d", TRACES) != []
    version = tables.end_history(settings, "gold.d", "E1")
    assert tables.end_history(settings, "gold.d", "E1") == version, "once is enough"
    noted: list[tables.Removed] = []
    tables.forget_past(settings, "gold.d", noted.append)
    assert tables.files_with_traces(settings, "gold.d", TRACES) == []
    assert (noted[0].versions, noted[0].files) == (3, 4), "versions 0 to 2; two files of rows and two of changes"
    left = DeltaTable(settings.table_uri("gold", "d"))
    assert (left.version(), left.to_pyarrow_table().to_pylist()) == (version, [{"customer_id": "C0000002", "n": 3}])
    assert sorted(path.name for path in folder.rglob("*") if path.is_file() and path.suffix == ".parquet") == sorted(
        [Path(uri).name for uri in left.file_uris()] + [f"{version:020d}.checkpoint.parquet"]
    )
    write_deltalake(left, pa.table({"customer_id": ["C0000003"], "n": [4]}), mode="append")
    assert DeltaTable(settings.table_uri("gold", "d")).to_pyarrow_table().num_rows == 2


def test_words_of_others_are_hidden_and_their_rows_stay(settings: Settings) -> None:
    write(settings, "silver.tickets", pa.table({"ticket_id": ["1", "2"], "body": ["C0000001 is my wife", "hello"]}))
    noted: list[int] = []
    tables.hide_traces(settings, "silver.tickets", TRACES, noted.append)
    told = DeltaTable(settings.table_uri("silver", "tickets")).to_pyarrow_table().to_pylist()
    assert noted == [1]
    assert sorted(row["body"] for row in told) == ["*** is my wife", "hello"]


def test_words_are_hidden_by_batches_and_of_bronze_only_in_sources_that_have_some(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "ROWS_AT_ONCE", 3)
    bodies = [f"row {number}" if number % 4 else "C0000001 was here" for number in range(10)]
    told = pa.table(
        {
            "body": [*bodies, "nothing"],
            "seen": pa.array([[("by", one)] for one in [*bodies, "x"]], pa.map_(pa.string(), pa.string())),
            "n": range(11),
            "_source": ["shop"] * 10 + ["other"],
        }
    )
    delta = write(settings, "bronze.tickets", told, partition_by=["_source"])
    (other,) = [uri for uri in delta.file_uris() if "_source=other" in uri]
    noted: list[int] = []
    tables.hide_traces(settings, "bronze.tickets", TRACES, noted.append)
    left = DeltaTable(settings.table_uri("bronze", "tickets"))
    rows = [row for row in left.to_pyarrow_table().sort_by("n").to_pylist() if row["_source"] == "shop"]
    assert noted == [3]
    assert [row["n"] for row in rows] == list(range(10))
    assert [row["body"] for row in rows] == [one.replace("C0000001", "***") for one in bodies]
    assert [dict(row["seen"])["by"] for row in rows] == [row["body"] for row in rows]
    assert other in left.file_uris(), "a source without a trace is not written again"
    assert left.history(1)[0]["operation"] == "WRITE", "in one commit"


def mapped(entity: str, **columns: str) -> Mapped:
    raw = {name: name for text in columns.values() for name in text.replace("`", " ").replace("(", " ").split()}
    return Mapped("shop", entity, columns, {**raw, "left over": "left_over"}, True)


def test_a_row_that_stays_loses_its_person_and_what_nobody_named() -> None:
    plain = mapped("order_lines", order_id="`no`", customer_id="`cust`", unit_price="`price`")
    assert plain.emptied() == ("cust", "left_over")
    joined = mapped("order_lines", order_id="concat(`cust` `no`)", customer_id="`cust`")
    assert joined.emptied() is None, "an order number made of the customer's cannot stay"
