"""JSON lines: values as they were written, and every line accounted for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.bronze.json_records import JsonLinesFile


def read(path: Path, content: bytes | str, **options: Any) -> tuple[dict[int, dict[str, Any]], list[Any], int]:
    """Row number -> the values that are not null; faults; records seen."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    rows: dict[int, dict[str, Any]] = {}
    faults: list[Any] = []
    seen = 0
    for block in JsonLinesFile(path, **options).blocks():
        for i, number in enumerate(block.row_numbers.to_pylist()):
            values = {name: column[i].as_py() for name, column in block.columns.items()}
            rows[number] = {name: value for name, value in values.items() if value is not None}
        faults += [(fault.row_number, fault.reason, fault.raw) for fault in block.faults]
        seen += block.seen
    return rows, faults, seen


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "x.jsonl"


def test_numbers_keep_the_text_they_were_written_with(file: Path) -> None:
    lines = ['{"n":1.50,"i":7}', '{"n":1,"i":-3}', '{"n":1e2}', '{"n":12345678901234567890.10}', '{"n":null}']
    rows, _, _ = read(file, "\n".join(lines))
    assert [row.get("n") for row in rows.values()] == ["1.50", "1", "1e2", "12345678901234567890.10", None]
    assert [row.get("i") for row in rows.values()] == ["7", "-3", None, None, None]


def test_a_whole_number_beyond_64_bits_is_kept(file: Path) -> None:
    assert read(file, '{"n":123456789012345678901}\n{"n":1}')[0][1] == {"n": "123456789012345678901"}


def test_texts_that_look_like_times_stay_as_they_are(file: Path) -> None:
    rows, _, _ = read(file, '{"t":"2024-01-01T00:00:00"}\n{"t":"2024-01-01 08:00:00"}\n')
    assert [row["t"] for row in rows.values()] == ["2024-01-01T00:00:00", "2024-01-01 08:00:00"]


def test_nested_values_are_json_text_with_their_numbers_untouched(file: Path) -> None:
    rows, _, _ = read(file, '{"a": {"x": 1.0, "y": [1e3, "é", null, true]}, "b": false}\n{"b": "t"}\n')
    assert rows == {1: {"a": '{"x":1.0,"y":[1e3,"é",null,true]}', "b": "false"}, 2: {"b": "t"}}


def test_what_is_no_json_object_is_set_aside_with_its_reason(file: Path) -> None:
    lines = [
        '{"a":1}',
        '{"a":',
        "[1]",
        "null",
        '{"a":1}{"a":2}',
        "",
        '{"a":"\\ud800"}',
        ' {"a":2} ',
        '{"a":3}',
    ]
    rows, faults, seen = read(file, "\r\n".join(lines))
    assert rows == {1: {"a": "1"}, 7: {"a": "2"}, 8: {"a": "3"}}
    assert [fault[:2] for fault in faults] == [
        (2, "invalid_json"),
        (3, "not_an_object"),
        (4, "not_an_object"),
        (5, "invalid_json"),
        (6, "invalid_json"),
    ]
    assert faults[0][2] == '{"a":'
    assert seen == 8


def test_undecodable_bytes_cost_their_line(file: Path) -> None:
    rows, faults, _ = read(file, b'{"a":"\xe4\xb8\xad"}\n{"a":"\xd6\xd0"}\n{"a":"x"}\n')
    assert rows == {1: {"a": "中"}, 3: {"a": "x"}}
    assert faults == [(2, "undecodable_bytes", '{"a":"\\xd6\\xd0"}')]


def test_a_key_that_appears_late_is_found_by_reading_on(file: Path) -> None:
    lines = ['{"a":1}'] * 500 + ['{"a":2,"b":"x"}']
    rows, _, _ = read(file, "\n".join(lines), block_bytes=256)
    assert rows[501] == {"a": "2", "b": "x"}
    assert JsonLinesFile(file, block_bytes=256).all_columns() == ["a", "b"]


def test_a_type_that_changes_from_block_to_block_is_no_fault(file: Path) -> None:
    lines = ['{"a":1}'] * 50 + ['{"a":"one"}'] * 50 + ['{"a":[1]}'] * 50 + ['{"a":true}'] * 50
    rows, faults, _ = read(file, "\n".join(lines), block_bytes=64)
    assert [rows[i]["a"] for i in (50, 51, 101, 200)] == ["1", "one", "[1]", "true"]
    assert faults == []


SCALAR = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\x7f"), max_size=5)
)
VALUE = SCALAR | st.lists(SCALAR, max_size=3) | st.dictionaries(st.sampled_from("xyz"), SCALAR, max_size=2)
RECORD = st.dictionaries(st.sampled_from(["a", "b", "Long key", "中", 'q"']), VALUE, max_size=4)


def as_text(value: Any) -> str:
    """By another way than the reader: Python's own writer."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(RECORD, st.none() | st.integers(1, 30)), min_size=1, max_size=15),
    st.booleans(),
    st.sampled_from([16, 1 << 20]),
)
def test_any_records_truncated_or_not_are_landed_as_written_or_quarantined(
    tmp_path_factory: pytest.TempPathFactory,
    records: list[tuple[dict[str, Any], int | None]],
    ascii: bool,
    block: int,
) -> None:
    whole = [json.dumps(record, ensure_ascii=ascii, separators=(",", ":")) for record, _ in records]
    lines = [line if keep is None else line[: min(keep, len(line) - 1)] for line, (_, keep) in zip(whole, records)]
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    rows, faults, seen = read(path, "\n".join(lines), block_bytes=block)
    expected = {
        number: {key: as_text(value) for key, value in record.items() if value is not None}
        for number, (record, keep) in enumerate(records, 1)
        if keep is None
    }
    assert rows == expected
    assert [fault[0] for fault in faults] == [i for i, (_, keep) in enumerate(records, 1) if keep is not None]
    assert seen == len(lines)
