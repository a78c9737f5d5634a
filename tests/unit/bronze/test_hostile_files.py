"""What fuzzing found (`make fuzz`): each of these once lost a row, took another's, hung, or ended in a traceback."""

from __future__ import annotations

import bz2
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from landing_shop import Shop

from lakehouse.bronze import json_records, tables
from lakehouse.bronze.csv_records import CsvFile
from lakehouse.bronze.json_records import DEEPEST, parse_line
from lakehouse.bronze.naming import MOST_COLUMNS, stored_names, unique_names
from lakehouse.bronze.text_blocks import TextBlock, cut_into_parts
from lakehouse.errors import GateFailed, InputError


def test_a_character_cut_by_the_end_of_its_line_does_not_take_the_next_line_with_it(shop: Shop) -> None:
    shop.write("x.csv", b"id,n\n1," + "茶".encode("gb18030")[:1] + b"\n2,b\n3," + b"\xa6\x35\n4,d\n")
    shop.land("x.csv", encoding="gb18030")
    assert shop.values("_row_number", "id") == [(2, "2"), (4, "4")]
    assert [fault[:2] for fault in shop.faults()] == [(1, "undecodable_bytes"), (3, "undecodable_bytes")]


def test_what_follows_a_bz2_stream_and_is_none_is_not_left_out_silently(shop: Shop) -> None:
    shop.write("x.csv.bz2", bz2.compress(b"id\n1\n") + b"2\n")
    with pytest.raises(InputError, match=r"x\.csv\.bz2 is damaged"):
        shop.land("x.csv.bz2")


def test_bz2_of_several_streams_and_one_cut_short(shop: Shop) -> None:
    shop.write("x.csv.bz2", bz2.compress(b"id\n1\n") + bz2.compress(b"") + bz2.compress(b"2\n" * 500_000))
    assert [load.rows_landed for load in shop.land("x.csv.bz2")] == [500_001]
    shop.write("y.csv.bz2", bz2.compress(b"id\n1\n") + bz2.compress(b"2\n")[:-9])
    with pytest.raises(InputError, match=r"y\.csv\.bz2 is cut short"):
        shop.land("y.csv.bz2")


@pytest.mark.parametrize("text", ['{"id":%s}', '{"z":"\\u0000","id":%s}', '{"z":"\\ud83d\\ude00","id":%s}'])
@pytest.mark.parametrize("depth", [DEEPEST + 1, 900, 100_000])
@pytest.mark.parametrize(("left", "right"), [("[", "]"), ('{"k":', "}")])
def test_json_nested_too_deep_is_set_aside_and_ends_no_process(
    shop: Shop, text: str, depth: int, left: str, right: str
) -> None:
    shop.write("x.jsonl", '{"id":1}\n' + text % (left * depth + "1" + right * depth) + '\n{"id":3}\n')
    shop.land("x.jsonl")
    assert shop.values("_row_number", "id") == [(1, "1"), (3, "3")]
    assert [fault[:2] for fault in shop.faults()] == [(2, "nested_too_deep")]


def test_json_nested_as_deep_as_may_be_is_landed_as_it_stands() -> None:
    deep = '{"k":' * (DEEPEST - 1) + "1.50" + "}" * (DEEPEST - 1)
    for text in ('{"id":%s}', '{"z":"\\u0000","id":%s}'):
        assert parse_line(text % deep)["id"] == deep  # type: ignore[index]
    brackets = json.dumps({"id": "[" * 5000})
    assert parse_line(brackets) == {"id": "[" * 5000}


def test_two_keys_that_differ_only_in_case_do_not_share_a_column_silently(shop: Shop) -> None:
    shop.write("x.jsonl", '{"id":1,"ID":2}\n{"id":3}\n{"ID":4}\n{"id":5,"n":[1]}\n')
    shop.land("x.jsonl")
    assert shop.values("_row_number", "id") == [(2, "3"), (3, "4"), (4, "5")]
    assert shop.faults() == [(1, "keys_differ_only_in_case", '{"id":1,"ID":2}')]


@pytest.mark.parametrize("also", ["", ',"n":[]'])
def test_a_negative_zero_keeps_its_sign(shop: Shop, also: str) -> None:
    shop.write("x.jsonl", f'{{"id":-0{also}}}\n{{"id":0}}\n{{"id": -0}}\n{{"id":-1}}\n')
    shop.land("x.jsonl")
    assert [value for (value,) in shop.values("id")] == ["-0", "0", "-0", "-1"]


def test_keys_that_are_data_are_refused_before_they_are_columns(shop: Shop) -> None:
    shop.write("x.jsonl", "".join(f'{{"user-{i}":1}}\n' for i in range(MOST_COLUMNS + 1)))
    with pytest.raises(InputError, match=r"x\.jsonl has more than 10,000 columns"):
        shop.land("x.jsonl", {"product_id": "_file"})
    shop.write("y.csv", ",".join(f"c{i}" for i in range(MOST_COLUMNS + 1)) + "\n")
    with pytest.raises(InputError, match=r"y\.csv has more than 10,000 columns"):
        shop.land("y.csv", {"product_id": "_file"})


def test_lines_with_few_keys_in_common_are_read_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_records, "_CELLS_AT_ONCE", 400)
    data = b"".join(b'{"k%d":1}\n' % i for i in range(200))
    parts = list(json_records._parts(TextBlock(data, [], True), ["k0"]))
    assert b"".join(part.data for part in parts) == data
    assert max(part.data.count(b"\n") for part in parts) <= 25
    assert [part.is_last for part in parts] == [False] * (len(parts) - 1) + [True]


def test_a_block_is_cut_by_lines_with_its_faults() -> None:
    parts = list(cut_into_parts(TextBlock(b"a\nbb\nc\nd", [2, 7], True), 2))
    assert parts == [TextBlock(b"a\nbb\n", [2], False), TextBlock(b"c\nd", [2], True)]


@pytest.mark.parametrize("count", [30_000])
def test_a_name_that_appears_thousands_of_times_costs_no_squares(count: int) -> None:
    names = unique_names(["a"] * count)
    assert names[:2] + names[-1:] == ["a", "a_2", f"a_{count}"]
    assert list(stored_names(["a b", "a_b", "a(b"], {}, []).values()) == ["a_b", "a_b_2", "a_b_3"]


def test_a_name_with_a_nul_is_stored_without_it(shop: Shop) -> None:
    """Across the C interface a name ends at its first NUL: the column had another one's name."""
    shop.write("x.jsonl", '{"\\u0000id":1,"id\\u0007":2}\n')
    shop.land("x.jsonl", {"product_id": "_file"})
    assert shop.values("_id", "id_") == [("1", "2")]


def test_an_impossible_code_point_of_utf_32_costs_its_line(shop: Shop) -> None:
    content = "id,n\n1,a\n2,b\n3,c\n".encode("utf-32-le")
    place = content.index("b".encode("utf-32-le"))
    shop.write("x.csv", content[:place] + b"\xff\xff\xff\x7f" + content[place + 4 :])
    shop.land("x.csv", encoding="utf-32-le")
    assert [value for (value,) in shop.values("id")] == ["1", "3"]
    assert [fault[:2] for fault in shop.faults()] == [(2, "undecodable_bytes")]


def test_no_quoting_is_an_empty_quote(shop: Shop) -> None:
    shop.write("x.csv", 'id,n\n1,a "b\n2,"c"\n')
    shop.land("x.csv", quote="")
    assert shop.values("id", "n") == [("1", 'a "b'), ("2", '"c"')]


@pytest.mark.parametrize("kind", ["pipe", "device", "link to nowhere"])
def test_only_files_are_read(shop: Shop, kind: str) -> None:
    path = shop.folder / "x.csv"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero" if kind == "device" else "nowhere")
    with pytest.raises(InputError, match=r"x\.csv is a (pipe, a socket or a device|link that leads nowhere)"):
        shop.land("x.csv")


def test_a_file_that_is_gone_when_it_was_read_is_told_so(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    path = shop.write("x.csv", "id\n1\n")
    committed = tables.Append.commit

    def meanwhile(append: tables.Append) -> int:
        path.unlink()
        return committed(append)

    monkeypatch.setattr(tables.Append, "commit", meanwhile)
    with pytest.raises(InputError, match=r"x\.csv does not exist"):
        shop.land("x.csv")
    assert shop.rows() == []


def test_a_file_that_changes_between_its_hash_and_its_turn_is_refused(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rows would have been written down under the hash of what it held before."""
    shop.write("a.csv", "id\n1\n")
    later = shop.write("b.csv", "id\n2\n")
    committed = tables.Append.commit

    def meanwhile(append: tables.Append) -> int:
        later.write_text("id\n2\n3\n")
        return committed(append)

    with monkeypatch.context() as patch:
        patch.setattr(tables.Append, "commit", meanwhile)
        with pytest.raises(InputError, match=r"b\.csv changed while it was read"):
            shop.land(["a.csv", "b.csv"])
    assert [value for (value,) in shop.values("id")] == ["1"]
    shop.land(["a.csv", "b.csv"])
    assert [value for (value,) in shop.values("id")] == ["1", "2", "3"]


@pytest.mark.parametrize("name", ["new\nline.csv", "\x1b[31mred.csv", "~.csv", "a'b;--.csv"])
def test_odd_names_are_landed_and_told_in_one_printable_line(shop: Shop, name: str) -> None:
    shop.write(name, "id\n1\n")
    assert len(shop.land(name)) == 1
    shop.write(name, "")
    with pytest.raises(InputError) as caught:
        shop.land(name)
    assert str(caught.value).isprintable()
    assert "is empty" in str(caught.value)


def test_a_name_that_is_no_text_is_refused(shop: Shop) -> None:
    Path(os.fsdecode(os.fsencode(shop.folder) + b"/bad\xff.csv")).write_text("id\n1\n")
    with pytest.raises(InputError, match=r"is not UTF-8 text; rename it"):
        shop.land("*.csv")


def test_parquet_columns_of_one_name_are_all_kept(shop: Shop) -> None:
    table = pa.Table.from_arrays([pa.array(["1"]), pa.array(["2"]), pa.array(["3"])], ["id", "ID", "id"])
    pq.write_table(table, shop.folder / "x.parquet")
    shop.land("x.parquet")
    assert shop.values("id", "ID_2", "id_3") == [("1", "2", "3")]


def test_parquet_text_that_is_not_utf_8_costs_its_row(shop: Shop) -> None:
    texts = pa.array([b"a", b"\xff", b"c"]).view(pa.string())
    lists = pa.ListArray.from_arrays([0, 1, 2, 3], pa.array([b"x", b"y", b"\xfe"]).view(pa.string()))
    pq.write_table(pa.table({"id": ["1", "2", "3"], "t": texts, "l": lists}), shop.folder / "x.parquet")
    shop.land("x.parquet")
    assert shop.values("_row_number", "id", "t", "l") == [(1, "1", "a", '["x"]')]
    assert shop.faults() == [
        (2, "undecodable_bytes", '{"id":"2","t":"\\\\xff","l":"[\\"y\\"]"}'),
        (3, "undecodable_bytes", '{"id":"3","t":"c","l":"?"}'),
    ]


def test_a_bit_flipped_in_a_page_with_a_checksum_is_found(shop: Shop) -> None:
    path = shop.folder / "x.parquet"
    table = pa.table({"id": [f"id-{i}" for i in range(1000)]})
    pq.write_table(table, path, compression="none", use_dictionary=False, write_page_checksum=True)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"id-777", b"id-776", 1))
    with pytest.raises(InputError, match=r"x\.parquet is damaged: .*CRC"):
        shop.land("x.parquet")


def test_times_that_no_calendar_has_are_landed_as_their_numbers(shop: Shop) -> None:
    far = pa.array([10**18, 0], pa.timestamp("ms"))
    nested = pa.array([[10**15], [0]], pa.list_(pa.timestamp("s")))
    pq.write_table(pa.table({"id": ["1", "2"], "far": far, "nested": nested}), shop.folder / "x.parquet")
    shop.land("x.parquet")
    assert [value for (value,) in shop.values("far")] == ["1000000000000000000", "0"]
    assert len(shop.rows()) == 2


def test_a_json_document_of_another_alphabet_is_told_without_breaking_a_character(tmp_path: Path, shop: Shop) -> None:
    shop.write("x.json", '"' + "x" * 38 + "茶茶\n")
    with pytest.raises(InputError, match=r"is not JSON lines: its first line begins"):
        shop.land("x.json")


def test_a_gate_still_speaks_in_lines_and_a_refusal_in_one_of_bounded_length() -> None:
    assert str(GateFailed("one\ntwo")) == "one\ntwo"
    assert str(InputError("one\ntwo")) == "one\\ntwo"
    assert len(str(InputError("x" * 9000))) < 1300


def test_a_million_faulty_lines_are_not_held_at_once(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b"a,b\n" + b"x\n" * 350_000)
    counts = [(block.seen, len(block.faults)) for block in CsvFile(path).blocks()]
    assert sum(seen for seen, _ in counts) == sum(faults for _, faults in counts) == 350_000
    assert max(faults for _, faults in counts) <= 100_000
