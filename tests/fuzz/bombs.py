"""Small files that want much: of memory, of time, of rows. Each must land as its rows or be refused, in bounds."""

from __future__ import annotations

import bz2
import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

MIB = 1 << 20
EVERY = 340
_HEADER = b"id,name,quantity,note\n" + b"1,a,2,b\n" * 600


def case(number: int) -> Any:
    """The bombs in turn, so that a run of 5,200 has each of them."""
    from tests.fuzz.cases import Case

    kinds = sorted(BOMBS)
    kind = kinds[number // EVERY % len(kinds)]
    name, make, rows, verdict = BOMBS[kind]

    def write(folder: Path) -> None:
        (folder / name).write_bytes(make())

    return Case(number, f"bomb: {kind}", name, {}, write, rows=rows, verdict=verdict, deadline=120)


def _zeros(pack: Callable[[bytes], bytes]) -> Callable[[], bytes]:
    """Two gigabytes of zeros after a good beginning, in members of 16 MiB."""
    return lambda: pack(_HEADER) + pack(bytes(16 * MIB)) * 128


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, 6, mtime=0)


def _zstd(data: bytes) -> bytes:
    return pa.compress(data, codec="zstd", asbytes=True)  # type: ignore[no-any-return]


def _repeated(line: bytes, size: int, head: bytes = b"") -> Callable[[], bytes]:
    return lambda: _gzip(head + line * (size // len(line)))


def _sparse_json() -> bytes:
    """A hundred keys in a million short records, each record with one of them."""
    return _gzip(b"".join(b'{"k%d":1}\n' % (i % 100) for i in range(1_000_000)))


def _keys_as_data() -> bytes:
    """Every record with a key of its own."""
    return _gzip(b"".join(b'{"user-%d":1}\n' % i for i in range(200_000)))


def _wide(columns: int) -> Callable[[], bytes]:
    def make() -> bytes:
        out = io.BytesIO()
        out.write(b",".join(b"c%d" % i for i in range(columns)) + b"\n")
        out.write((b"1," * (columns - 1) + b"2\n") * 20 + b"1,2\n" * 100_000)
        return _gzip(out.getvalue())

    return make


def _wide_parquet() -> bytes:
    """One value a million million times: a dictionary of one, run-length encoded."""
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 2_000_000, pa.int8()), pa.array(["x" * 2000]))
    pq.write_table(pa.table({"id": column}), sink, compression="zstd")
    return sink.getvalue()


_L = len(b"id,name,quantity,note\n")
BOMBS: dict[str, tuple[str, Callable[[], bytes], int | None, str]] = {
    "2 GB of zeros, gzip": ("f.csv.gz", _zeros(_gzip), None, "refuse"),
    "2 GB of zeros, bz2": ("f.csv.bz2", _zeros(lambda data: bz2.compress(data, 9)), None, "refuse"),
    "2 GB of zeros, zstd": ("f.csv.zst", _zeros(_zstd), None, "refuse"),
    "128 MB of blank lines": ("f.csv.gz", _repeated(b"\n", 128 * MIB, _HEADER), 600, "land"),
    "32 MB of rows": ("f.csv.gz", _repeated(b"1,a,2,b\n", 32 * MIB, _HEADER), 600 + 4 * MIB, "land"),
    "2 MB of faulty lines": ("f.csv.gz", _repeated(b"x\n", 2 * MIB, _HEADER), 600 + MIB, "land"),
    "4 MB of lone quotes": ("f.csv.gz", _repeated(b'"\n', 4 * MIB, _HEADER), 600 + 2 * MIB, "land"),
    "4 MB of open quotes": ("f.csv.gz", _repeated(b'1,a"b,2,"c\n', 4 * MIB, _HEADER), 600 + 4 * MIB // 11, "land"),
    "4 MB of undecodable lines": ("f.csv.gz", _repeated(b"\xff\n", 4 * MIB, _HEADER), 600 + 2 * MIB, "land"),
    "a JSON line of 300 MB": ("f.jsonl.gz", lambda: _gzip(b'{"id":"' + b"x" * (300 * MIB) + b'"}\n'), None, "refuse"),
    "sparse JSON": ("f.jsonl.gz", _sparse_json, 1_000_000, "land"),
    "keys as data": ("f.jsonl.gz", _keys_as_data, None, "refuse"),
    "9,000 columns": ("f.csv.gz", _wide(9_000), 100_020, "land"),
    "200,000 columns": ("f.csv.gz", _wide(200_000), None, "refuse"),
    "long values in a dictionary": ("f.parquet", _wide_parquet, 2_000_000, "land"),
}
