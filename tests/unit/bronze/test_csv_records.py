"""CSV as people write it: what can be read lands as it is, what cannot is set aside line by line."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.bronze.csv_records import CsvFile
from lakehouse.errors import InputError

HEADER = b"id,name,note,price\n"
Row = tuple[object, ...]


def read(path: Path, content: bytes, **options: object) -> tuple[list[Row], list[tuple[int, str, str]], int]:
    """Rows with their numbers, faults, and the number of records seen."""
    path.write_bytes(content)
    rows: list[Row] = []
    faults: list[tuple[int, str, str]] = []
    seen = 0
    for block in CsvFile(path, **options).blocks():  # type: ignore[arg-type]
        columns = [column.to_pylist() for column in block.columns.values()]
        rows += zip(block.row_numbers.to_pylist(), *columns)
        faults += [(fault.row_number, fault.reason, fault.raw) for fault in block.faults]
        seen += block.seen
    return sorted(rows), faults, seen


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "x.csv"


def test_empty_fields_are_null_and_quotes_are_taken_off(file: Path) -> None:
    rows, faults, seen = read(file, HEADER + b'1,"a, ""b""",,2\n2,"","c",\n')
    assert rows == [(1, "1", 'a, "b"', None, "2"), (2, "2", None, "c", None)]
    assert (faults, seen) == ([], 2)


def test_a_quoted_newline_is_part_of_the_field(file: Path) -> None:
    rows, faults, _ = read(file, HEADER + b'1,"two\r\n\nlines, ""q""",x,2\r\n2,b,c,3\r\n')
    assert rows == [(1, "1", 'two\r\n\nlines, "q"', "x", "2"), (2, "2", "b", "c", "3")]
    assert faults == []


def test_a_truncated_line_costs_only_itself_and_keeps_its_number(file: Path) -> None:
    rows, faults, seen = read(file, HEADER + b"1,a,b,2\n2,tru\n3,c,d,4\n")
    assert [row[0] for row in rows] == [1, 3]
    assert faults == [(2, "wrong_field_count", "2,tru")]
    assert seen == 3


@pytest.mark.parametrize("later", [b"4,good,x,7\n", b'4,"good",x,7\n', b'4,ends in inch",x,7\n', b'4,g,h,"7\n'])
def test_an_unclosed_quote_never_swallows_the_lines_after_it(file: Path, later: bytes) -> None:
    good = b"".join(b"%d,good,line,5\n" % i for i in range(10, 30))
    rows, faults, seen = read(file, HEADER + b"1,a,b,2\n" + b'3,"open,b,2\n' + good + later)
    assert [row[1] for row in rows][:21] == ["1", *map(str, range(10, 30))]
    assert faults[0] == (2, "unclosed_quote", '3,"open,b,2')
    assert seen == 23 == len(rows) + len(faults)


def test_two_damaged_neighbours_are_not_taken_for_one_record(file: Path) -> None:
    rows, faults, _ = read(file, HEADER + b'1,a,b,2\n2,"open,b,2\n3,close",b,2\n4,a,b,5\n')
    assert [row[1] for row in rows] == ["1", "3", "4"]
    assert faults == [(2, "unclosed_quote", '2,"open,b,2')]


def test_a_quote_within_an_unquoted_field_is_text(file: Path) -> None:
    rows, faults, _ = read(file, HEADER + b'1,5" disk,x,2\n2,a "b" c,x,3\n')
    assert [row[2] for row in rows] == ['5" disk', 'a "b" c']
    assert faults == []


def test_text_after_a_closing_quote_is_not_guessed_at(file: Path) -> None:
    _, faults, _ = read(file, HEADER + b'1,"a"b,x,2\n')
    assert faults == [(1, "malformed_quote", '1,"a"b,x,2')]


def test_bytes_of_another_encoding_are_quarantined_as_escapes(file: Path) -> None:
    content = "id,名\n1,中\n".encode() + "2,中文\n".encode("gbk") + "3,好\n".encode()
    rows, faults, seen = read(file, content)
    assert rows == [(1, "1", "中"), (3, "3", "好")]
    assert faults == [(2, "undecodable_bytes", "2,\\xd6\\xd0\\xce\\xc4")]
    assert seen == 3


def test_undecodable_bytes_within_a_record_of_two_lines_cost_that_record_only(file: Path) -> None:
    rows, faults, _ = read(file, HEADER + b'1,"a\nb\xff",x,2\n2,c,d,3\n')
    assert rows == [(2, "2", "c", "d", "3")]
    assert faults == [(1, "undecodable_bytes", '1,"a\nb\\xff",x,2')]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_file_without_the_mark_that_its_encoding_needs_is_refused(file: Path, encoding: str) -> None:
    with pytest.raises(InputError, match=f"is not {encoding} text: it has no byte order mark; state {encoding}-le"):
        read(file, "id,name\n1,a\n".encode(f"{encoding}-le"), encoding=encoding)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "big5"])
def test_an_encoding_is_decoded_as_stated(file: Path, encoding: str) -> None:
    text = "id,name\n1,中文|字\n2,好\n"
    rows, faults, _ = read(file, text.encode(encoding), encoding=encoding, block_bytes=16)
    assert rows == [(1, "1", "中文|字"), (2, "2", "好")]
    assert faults == []


def test_latin_1_and_a_lone_surrogate_of_utf_16(file: Path) -> None:
    rows, _, _ = read(file, "id,name\n1,Zoë\n".encode("latin-1"), encoding="latin-1")
    assert rows == [(1, "1", "Zoë")]
    broken = "id,name\n1,a\n".encode("utf-16-le") + b"2\x00,\x00\x00\xd8\n\x00" + "3,b\n".encode("utf-16-le")
    rows, faults, _ = read(file, broken, encoding="utf-16-le")
    assert rows == [(1, "1", "a"), (3, "3", "b")]
    assert [(number, reason) for number, reason, _ in faults] == [(2, "undecodable_bytes")]


def test_utf_16_is_known_by_its_mark(file: Path) -> None:
    assert read(file, "id,name\n1,中\n".encode("utf-16"))[0] == [(1, "1", "中")]


@pytest.mark.parametrize("delimiter", [",", ";", "|", "\t"])
def test_the_delimiter_is_found_out(file: Path, delimiter: str) -> None:
    text = "id,note\n1,a b; c| d\n2,x\n3,\n".replace(",", delimiter)
    if delimiter in ";|":
        text = text.replace("a b; c| d", "a b, c, d")
    rows, faults, _ = read(file, text.encode())
    assert [row[1] for row in rows] == ["1", "2", "3"]
    assert faults == []


def test_without_a_header_columns_are_numbered_or_named(file: Path) -> None:
    content = b"1,a\n2,b\n"
    assert CsvFile(file, header=False).columns() == ["_c0", "_c1"] if file.write_bytes(content) else False
    rows, _, _ = read(file, content, header=("id", "name"))
    assert rows == [(1, "1", "a"), (2, "2", "b")]
    assert CsvFile(file, header=("id", "name")).columns() == ["id", "name"]


def test_header_names_are_made_unique(file: Path) -> None:
    file.write_bytes(b'a, b ,,A,"c\nd"\n1,2,3,4,5\n')
    assert CsvFile(file).columns() == ["a", "b", "_c2", "A_2", "c\nd"]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r", "\r\r\n"])
def test_any_line_end_and_blank_lines(file: Path, line_end: str) -> None:
    lines = ["id,name", "1,a", "", "2,b"]
    rows, faults, seen = read(file, line_end.join(lines).encode())
    assert rows == [(1, "1", "a"), (2, "2", "b")]
    assert (faults, seen) == ([], 2)


def test_without_quoting_a_quote_is_a_character(file: Path) -> None:
    rows, faults, _ = read(file, b'id|name\n1|"open\n2|b"\n', quote="")
    assert [row[2] for row in rows] == ['"open', 'b"']
    assert faults == []


def test_a_header_alone_is_a_file_without_records(file: Path) -> None:
    assert read(file, b"id,name\n") == ([], [], 0)


FIELD = st.one_of(
    st.text(st.sampled_from("ab,\"' 1é中|;"), max_size=6),
    st.text(st.sampled_from('a"\n\r中'), max_size=4),
)
TABLE = st.integers(2, 5).flatmap(lambda w: st.lists(st.lists(FIELD, min_size=w, max_size=w), max_size=12))
QUOTING = st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])


def as_csv(rows: list[list[str]], quoting: int, line_end: str) -> str:
    out = io.StringIO()
    if line_end == "\n":  # the writer would leave a lone carriage return unquoted, which is no CSV
        rows = [[field.replace("\r", "\n") for field in row] for row in rows]
    writer = csv.writer(out, quoting=quoting, lineterminator=line_end)  # type: ignore[arg-type]
    writer.writerow(["K1", *(f"c{i}" for i in range(2, len(rows[0]) + 1))] if rows else ["K1", "c2"])
    # The first field is never empty or blank: a row of one empty field would be a blank line.
    writer.writerows([f"k{row[0]}", *row[1:]] for row in rows)
    return out.getvalue()


@settings(max_examples=100, deadline=None)
@given(TABLE, QUOTING, st.sampled_from(["\n", "\r\n"]), st.sampled_from([7, 64, 1 << 20]))
def test_what_the_csv_module_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, table: list[list[str]], quoting: int, line_end: str, block: int
) -> None:
    text = as_csv(table, quoting, line_end)
    expected = list(csv.reader(io.StringIO(text, newline="")))[1:]
    path = tmp_path_factory.getbasetemp() / "round_trip.csv"
    rows, faults, seen = read(path, text.encode(), delimiter=",", block_bytes=block)
    assert [row[1:] for row in rows] == [tuple(value or None for value in row) for row in expected]
    assert faults == []
    assert seen == len(expected)


LINE = st.tuples(st.integers(0, 999), st.text(st.sampled_from('ab "'), max_size=5), st.integers(0, 9)).map(
    lambda t: as_csv([[str(t[0]), t[1], "x", str(t[2])]], csv.QUOTE_MINIMAL, "\n").split("\n", 1)[1].strip("\n")
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(LINE, st.none() | st.integers(1, 8)), min_size=1, max_size=20))
def test_truncated_lines_are_landed_or_quarantined_and_never_lost(
    tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[str, int | None]]
) -> None:
    cut = [line if keep is None else line[:keep] for line, keep in lines]
    path = tmp_path_factory.getbasetemp() / "truncated.csv"
    rows, faults, seen = read(path, ("K1,c2,c3,c4\n" + "\n".join(cut) + "\n").encode(), delimiter=",")
    assert seen == len(rows) + len(faults) == len(cut)
    assert [row[0] for row in rows] + [fault[0] for fault in faults] != []
    whole = {number for number, (_, keep) in enumerate(lines, 1) if keep is None}
    assert whole <= {row[0] for row in rows}
    assert all(fault[2] == cut[fault[0] - 1] for fault in faults)
