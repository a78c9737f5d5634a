"""The scanner finds what was planted: each encoding in each container; and nothing where nothing is."""

from __future__ import annotations

import base64
import bz2
import gzip
import hashlib
import html
import io
import json
import lzma
import pickle
import sqlite3
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, quote_plus

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from deltalake import DeltaTable, write_deltalake

from lakehouse.cli import main
from lakehouse.errors import InputError
from lakehouse.privacy import contents
from lakehouse.privacy.leaks import Scan, scan, scan_with
from lakehouse.privacy.markers import Marker, Search, read_markers

PHONE, EMAIL, NAME, CARD, PLACE = "13812345678", "ann.ray@leak.example", "欧阳龘靐", "11010519491231002X", "31.23456789"
MARKERS = [
    Marker("phone", PHONE),
    Marker("email", EMAIL),
    Marker("name", NAME),
    Marker("card", CARD),
    Marker("place", PLACE),
]
VALUES = {marker.id: marker.value for marker in MARKERS}


def hashed(name: str, text: str) -> bytes:
    return hashlib.new(name, text.encode()).digest()


ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "clear": lambda v: v.encode(),
    "capitals": lambda v: v.upper().encode(),
    "utf-16le": lambda v: v.encode("utf-16-le"),
    "utf-16be": lambda v: v.encode("utf-16-be"),
    "utf-32": lambda v: v.encode("utf-32"),
    "gb18030": lambda v: v.encode("gb18030"),
    "json": lambda v: json.dumps({"a": v}).encode(),
    "json in json": lambda v: json.dumps({"a": json.dumps({"b": v})}).encode(),
    "json in capitals": lambda v: json.dumps(v).upper().replace("\\U", "\\u").encode(),
    "html": lambda v: "".join(f"&#{ord(c)};" if ord(c) > 127 else html.escape(c) for c in v).encode(),
    "html by hexadecimals": lambda v: "".join(f"&#x{ord(c):x};" if ord(c) > 127 or c == "@" else c for c in v).encode(),
    "percent": lambda v: quote(v, safe="").encode(),
    "percent in small letters": lambda v: quote(v).lower().encode() if not v.endswith("X") else quote(v).encode(),
    "percent plus": lambda v: quote_plus(v).encode(),
    "bytes of Python": lambda v: repr(v.encode()).encode(),
    **{f"base64 at {n}": lambda v, n=n: base64.b64encode(b"?" * n + v.encode() + b"\n") for n in range(3)},  # type: ignore[misc]
    "base64 for URLs": lambda v: base64.urlsafe_b64encode(b"~~~" + v.encode() + b"~~"),
    "hex": lambda v: v.encode().hex().encode(),
    "hex in capitals": lambda v: v.encode().hex().upper().encode(),
    "hex of Spark": lambda v: v.encode().hex(" ").upper().encode(),
    **{f"{name} hex": lambda v, name=name: hashed(name, v).hex().encode() for name in ("md5", "sha1", "sha256")},  # type: ignore[misc]
    "sha256 in capitals": lambda v: hashed("sha256", v).hex().upper().encode(),
    **{f"{name} base64": lambda v, name=name: base64.b64encode(hashed(name, v)) for name in ("md5", "sha1", "sha256")},  # type: ignore[misc]
    **{f"{name} bytes": lambda v, name=name: hashed(name, v) for name in ("md5", "sha1", "sha256")},  # type: ignore[misc]
}


def parquet(path: Path, payload: bytes) -> None:
    values = [b"before", payload, b"after"] * 50
    table = pa.table({"n": range(150), "nested": pa.array([[{"inner": v}] for v in values])})
    pq.write_table(table, path, compression="zstd")


def parquet_of_pieces(path: Path, payload: bytes) -> None:
    """An encoding in which a value is not whole in its page, but for the first."""
    values = [b"", payload[:4] + b"?", payload]
    pq.write_table(
        pa.table({"c": values}),
        path,
        use_dictionary=False,
        column_encoding={"c": "DELTA_BYTE_ARRAY"},
        compression="snappy",
    )


def dictionary_page(path: Path, payload: bytes) -> None:
    """Of a page's dictionary only the first entry is in a row."""
    column = pa.DictionaryArray.from_arrays(pa.array([0, 0]), pa.array(["shown", payload.hex()]))
    pq.write_table(pa.table({"c": column}), path, compression="gzip", write_statistics=False)


def checkpoint(path: Path, payload: bytes) -> None:
    stats = payload.decode("latin-1")
    rows = pa.array([{"add": {"path": "x", "stats": stats}}, {"add": None}])
    pq.write_table(pa.table({"add": rows}), path)


def sqlite_file(path: Path, payload: bytes) -> None:
    """A value longer than a page, which lies in pieces."""
    with sqlite3.connect(path) as database:
        database.execute("pragma page_size = 512")
        database.execute("create table params (key text, value blob)")
        database.execute("insert into params values ('a', ?)", [b"." * 490 + payload + b"." * 2000])
    database.close()


def zip_in_gzip(path: Path, payload: bytes) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model/data", payload)
    path.write_bytes(gzip.compress(inner.getvalue()))


def long_gzip(path: Path, payload: bytes) -> None:
    """Longer than what is looked at at once, the value across the seam."""
    path.write_bytes(gzip.compress(b"-" * (contents.AT_ONCE - 3) + payload + b"-" * 1000, 1))


def spark_blocks(path: Path, payload: bytes) -> None:
    """A value that ends in the next block of a shuffle file."""
    content = b"\0" * 7 + payload
    written = b"head"
    for block in (content[:9], content[9:]):
        packed = pa.compress(block, codec="lz4_raw", asbytes=True)
        written += b"LZ4Block" + b"\x21" + struct.pack("<iiI", len(packed), len(block), 0) + packed
    path.write_bytes(written)


def tar_in_zstd(path: Path, payload: bytes) -> None:
    path.write_bytes(zstandard.compress(b"\0" * 512 + payload + b"\0" * 512))


CONTAINERS: dict[str, Callable[[Path, bytes], object]] = {
    "log": lambda path, payload: path.write_bytes(b"2026-11-30 step " + payload + b" done\n"),
    "parquet": parquet,
    "parquet of pieces": parquet_of_pieces,
    "sqlite": sqlite_file,
    "gzip": lambda path, payload: path.write_bytes(gzip.compress(payload)),
    "long gzip": long_gzip,
    "zstd": tar_in_zstd,
    "bz2": lambda path, payload: path.write_bytes(bz2.compress(payload)),
    "xz": lambda path, payload: path.write_bytes(lzma.compress(payload)),
    "zlib": lambda path, payload: path.write_bytes(zlib.compress(payload)),
    "zip in gzip": zip_in_gzip,
    "npz": lambda path, payload: np.savez_compressed(path.open("wb"), a=np.frombuffer(payload, dtype=np.uint8)),
    "pickle": lambda path, payload: path.write_bytes(pickle.dumps({"a": [payload]})),
    "checkpoint": checkpoint,
    "shuffle file": spark_blocks,
}


SEARCH = Search(MARKERS)


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "AT_ONCE", 1 << 16)


def found(folder: Path) -> set[str]:
    return {leak.marker for leak in scan_with(SEARCH, folder).leaks}


@pytest.mark.parametrize("container", CONTAINERS)
def test_what_is_planted_in_a_container_is_found_in_every_encoding(tmp_path: Path, container: str) -> None:
    missed = []
    for encoding, encode in ENCODINGS.items():
        for marker, value in VALUES.items():
            payload = encode(value)
            if container == "checkpoint":
                try:
                    payload.decode("ascii")
                except UnicodeDecodeError:
                    continue  # it holds text
            folder = tmp_path / encoding / marker
            folder.mkdir(parents=True)
            CONTAINERS[container](folder / "file", payload)
            if found(folder) != {marker}:
                missed.append((encoding, marker, found(folder)))
    assert missed == []


def test_an_entry_of_a_dictionary_page_that_no_row_has_is_found(tmp_path: Path) -> None:
    dictionary_page(tmp_path / "file", PHONE.encode())
    assert PHONE not in str(pq.read_table(tmp_path / "file").to_pylist())
    assert found(tmp_path) == {"phone"}


def test_normal_forms_are_found_and_hashed_forms_of_them(tmp_path: Path) -> None:
    given = [
        Marker("phone", " +86 138-1234-5678 "),
        Marker("email", "Ann.Ray@Leak.example "),
        Marker("name", "欧阳 龘靐"),
    ]
    planted = {
        "a": "to 13812345678 now",
        "b": "ann.ray@leak.example",
        "c": "欧阳龘靐",
        "d": hashed("md5", "8613812345678").hex(),
        "e": hashed("sha256", "ann.ray@leak.example").hex(),
        "f": hashed("sha1", "欧阳龘靐").hex(),
    }
    for name, text in planted.items():
        (tmp_path / name).write_text(text)
    leaks = scan(tmp_path, given).leaks
    assert {leak.file: (leak.marker, leak.encoding) for leak in leaks} == {
        "a": ("phone", "clear"),
        "b": ("email", "clear"),
        "c": ("name", "clear"),
        "d": ("phone", "md5 hex"),
        "e": ("email", "sha256 hex"),
        "f": ("name", "sha1 hex"),
    }


def test_typed_values_are_found_as_they_are_read(tmp_path: Path) -> None:
    table = pa.table(
        {
            "n": pa.array([int(PHONE)]),
            "x": pa.array([float(PLACE)]),
            "m": pa.array([[(NAME, CARD)]], pa.map_(pa.string(), pa.string())),
        }
    )
    pq.write_table(table, tmp_path / "file", compression="zstd")
    places = {(leak.marker, leak.place) for leak in scan(tmp_path, MARKERS).leaks if leak.place.startswith("column")}
    assert places == {
        ("phone", "column n"),
        ("place", "column x"),
        ("name", "column m.key_value.key"),
        ("card", "column m.key_value.value"),
    }


def test_a_name_of_a_file_and_the_target_of_a_link_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / f"export-{PHONE}.txt").write_text("nothing")
    (tmp_path / "link").symlink_to(f"/nowhere/{EMAIL}")
    assert {(leak.marker, leak.place) for leak in scan(tmp_path, MARKERS).leaks} == {
        ("phone", "name of the file"),
        ("email", "target of the link"),
    }


def test_neighbours_that_make_a_value_together_are_no_leak(tmp_path: Path) -> None:
    pq.write_table(pa.table({"c": [PHONE[:5], PHONE[5:]]}), tmp_path / "file", compression="zstd")
    assert scan(tmp_path, MARKERS).leaks == []


def test_digits_of_a_measure_are_no_leak_and_those_of_a_price_beside_it_are(tmp_path: Path) -> None:
    measures = pa.table({"x": [float(f"0.{PHONE}9")], "n": [int(f"4{PHONE}")]})
    pq.write_table(measures, tmp_path / "a", compression="zstd", write_statistics=False)
    (tmp_path / "b").write_text(f'{{"auc": 0.7{PHONE}, "rate": 0.{PHONE}}}')
    assert scan(tmp_path, MARKERS).leaks == []
    (tmp_path / "c").write_text(f"paid 3.50 by {PHONE}. {PHONE}")
    assert sum(leak.count for leak in scan(tmp_path, MARKERS).leaks) == 2


def test_the_versions_of_a_table_are_told(tmp_path: Path) -> None:
    table = tmp_path / "silver" / "people"
    write_deltalake(table, pa.table({"id": ["a"]}))
    write_deltalake(table, pa.table({"id": [EMAIL]}), mode="append")
    write_deltalake(table, pa.table({"id": ["b"]}), mode="overwrite")
    write_deltalake(table, pa.table({"id": ["c"]}), mode="append")
    told = {(leak.place, leak.versions) for leak in scan(tmp_path, MARKERS).leaks if leak.place == "column id"}
    assert told == {("column id", "versions 1 to 1")}
    assert scan(tmp_path, MARKERS).where()[0][0] == "silver/people"
    DeltaTable(table).vacuum(0, dry_run=False, enforce_retention_duration=False)
    log_only = scan(tmp_path, MARKERS)
    assert {leak.place for leak in log_only.leaks} == {"bytes as they lie"}, "the log keeps the bounds of the file"


def test_what_cannot_be_opened_is_told(tmp_path: Path) -> None:
    (tmp_path / "cut.parquet").write_bytes(b"PAR1 and no more")
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"x" * 1000)[:20])
    assert {told.split(":")[0] for told in scan(tmp_path, MARKERS).unopened} == {"cut.parquet", "cut.gz"}


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    (tmp_path / "random").write_bytes(rng.bytes(4 << 20))
    (tmp_path / "digits").write_bytes(rng.integers(48, 58, 4 << 20, dtype=np.uint8).tobytes())
    (tmp_path / "empty").write_bytes(b"")
    assert scan(tmp_path, MARKERS).leaks == []


def test_a_report_names_markers_and_never_a_value(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text(f"{PHONE} {NAME}")
    told: Scan = scan(tmp_path, MARKERS)
    assert {leak.marker for leak in told.leaks} == {"phone", "name"}
    assert PHONE not in repr(told)
    assert NAME not in repr(told)


def test_a_file_of_markers_gives_ids_or_line_numbers(tmp_path: Path) -> None:
    path = tmp_path / "markers"
    path.write_text(f"C1 phone\t{PHONE}\n\n{EMAIL}\n", encoding="utf-8")
    assert read_markers(path) == [Marker("C1 phone", PHONE), Marker("line 3", EMAIL)]


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"12345\n", "line 1 of .* is too short"), (b"\n", "holds no marker"), (b"\xff\xfe\n", "it is not UTF-8")],
)
def test_a_wrong_file_of_markers_is_told_without_its_content(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "markers"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said) as refused:
        read_markers(path)
    assert "12345" not in str(refused.value)


def test_the_command_tells_where_and_never_what_and_ends_with_3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home, markers = tmp_path / "home", tmp_path / "home" / "values.txt"
    (home / "exports").mkdir(parents=True)
    markers.write_text(f"C1 phone\t{PHONE}\nC1 email\t{EMAIL}\n", encoding="utf-8")
    (home / "exports" / "customers.csv").write_text(f"{PHONE},{EMAIL}")

    def scanned(*more: str) -> tuple[int, str]:
        asked = ["lakehouse", "privacy", "scan", str(home), "--markers", str(markers), *more]
        monkeypatch.setattr(sys, "argv", asked)
        code = main()
        return code, "".join(capsys.readouterr())

    code, said = scanned("--leave-out", str(home / "exports"))
    assert (code, "2 values in 0 files of 0.0 MB: none found" in said) == (0, True)
    code, said = scanned()
    assert code == 3
    assert "exports  bytes as they lie  clear" in said
    assert "2 found; --json says which" in said
    code, said = scanned("--json")
    assert {leak["marker"] for leak in json.loads(said)["leaks"]} == {"C1 phone", "C1 email"}
    assert PHONE not in said
    assert EMAIL not in said
