"""What is inside files: the bytes as they lie, and what Parquet, SQLite, archives and packed files hold when opened.

Each piece comes with its place in words (a column, a member, a table of a database). Files are opened by what they
begin with, not by their names, and one inside another is opened too.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import mmap
import re
import sqlite3
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from numpy.typing import NDArray

AT_ONCE = 1 << 24
DEEPEST = 4
_SPARK_BLOCK = re.compile(rb"LZ4Block[\x10-\x2f]")


@dataclass(frozen=True)
class Piece:
    """Some bytes of a file.

    `ends` are those of the values in them, where they are values beside each other; `are_numbers` says that these are
    numbers and times as text, of which a part means nothing. The first bytes, as many as `begins`, came before.
    """

    place: str
    content: bytes | memoryview
    begins: int = 0
    ends: NDArray[np.int64] | None = None
    are_numbers: bool = False


@dataclass(frozen=True)
class Unopened:
    """What looks like a container and could not be opened: its bytes were looked at, its contents were not."""

    place: str
    why: str


def pieces_of(path: Path, overlap: int) -> Iterator[Piece | Unopened]:
    """All bytes of a file, and all that it holds.

    Args:
        overlap: bytes that long contents come with a second time, so that nothing between two pieces is missed.
    """
    with path.open("rb") as file:
        if path.stat().st_size == 0:
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as content:
            yield from _pieces(content, "", overlap, 0, path)


def _pieces(
    content: memoryview, place: str, overlap: int, depth: int, path: Path | None = None
) -> Iterator[Piece | Unopened]:
    yield Piece(place, content)
    if depth == DEEPEST:
        return
    head = bytes(content[:16])
    opener = next((opener for magic, opener in _OPENERS if head.startswith(magic)), None)
    if head[:1] == b"\x78" and head[:2] in (b"x\x01", b"x\x5e", b"x\x9c", b"x\xda"):
        opener = _zlib
    if opener is not None:
        try:
            for piece in opener(content, overlap, depth, path):
                yield _inside(piece, place)
        except _BROKEN as error:
            yield Unopened(place, type(error).__name__)
    if _SPARK_BLOCK.search(content):
        yield from (_inside(piece, place) for piece in _spark_blocks(content))


def _inside(piece: Piece | Unopened, place: str) -> Piece | Unopened:
    return replace(piece, place=" in ".join(filter(None, (piece.place, place))))


def _parquet(content: memoryview, overlap: int, depth: int, path: Path | None) -> Iterator[Piece | Unopened]:
    """Every value of every column, and every entry of a dictionary page, whether a row has it or not."""
    with pq.ParquetFile(pa.BufferReader(pa.py_buffer(content))) as file:
        leaves = [file.schema.column(place).path for place in range(len(file.schema))]
        with_pages = [leaf for place, leaf in enumerate(leaves) if _has_dictionary(file, place)]
    with pq.ParquetFile(pa.BufferReader(pa.py_buffer(content)), read_dictionary=with_pages) as file:
        for group in range(file.num_row_groups):
            for leaf in leaves:
                for column in file.read_row_group(group, columns=[leaf], use_threads=False).columns:
                    for chunk in column.chunks:
                        yield from _values(chunk, f"column {leaf}")


def _has_dictionary(file: pq.ParquetFile, place: int) -> bool:
    """Whether texts of a column come with a dictionary that Arrow can give whole; beside DELTA_BYTE_ARRAY it cannot."""
    groups = (file.metadata.row_group(group).column(place) for group in range(file.num_row_groups))
    encodings = {encoding for column in groups for encoding in column.encodings}
    is_text = file.schema.column(place).physical_type == "BYTE_ARRAY"
    return is_text and any("DICTIONARY" in one for one in encodings) and not any("DELTA" in one for one in encodings)


def _values(values: pa.Array, place: str) -> Iterator[Piece]:
    """The leaves of an Arrow array, as text or bytes beside each other."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        yield from _values(values.dictionary, place)
    elif pa.types.is_struct(kind):
        for child in values.flatten():
            yield from _values(child, place)
    elif pa.types.is_map(kind):
        yield from _values(values.keys, place)
        yield from _values(values.items, place)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        yield from _values(values.flatten(), place)
    elif pa.types.is_null(kind) or pa.types.is_boolean(kind):
        return
    else:
        are_numbers = False
        if pa.types.is_fixed_size_binary(kind):
            values = values.cast(pa.binary())
        elif not (pa.types.is_string(kind) or pa.types.is_binary(kind)):
            are_numbers = pa.types.is_primitive(kind)
            values = values.cast(pa.large_string() if "large" in str(kind) else pa.string())
        wide = str(values.type).startswith("large")
        _, offsets, data = values.buffers()
        if data is None:
            return
        bounds = np.frombuffer(offsets, dtype=np.int64 if wide else np.int32)[values.offset :][: len(values) + 1]
        begin, end = int(bounds[0]), int(bounds[-1])
        ends = bounds[1:].astype(np.int64) - begin
        yield Piece(place, memoryview(data).cast("B")[begin:end], ends=ends, are_numbers=are_numbers)


def _sqlite(content: memoryview, overlap: int, depth: int, path: Path | None) -> Iterator[Piece | Unopened]:
    """Every value of every table: one that is longer than a page lies in pieces in the file."""
    if path is not None:
        # Not as read-only and immutable: what is only in its write-ahead log would be missing.
        opened = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    else:
        opened = sqlite3.connect(":memory:")
        deserialize = getattr(opened, "deserialize", None)
        if deserialize is None:  # Python 3.10
            yield Unopened("", "a database inside another file")
            return
        deserialize(bytes(content))
    with closing(opened) as database:
        database.text_factory = bytes
        tables = database.execute("select name from sqlite_master where type = 'table'").fetchall()
        for (table,) in tables:
            quoted = table.decode().replace('"', '""')
            cursor = database.execute(f'select * from "{quoted}"')
            names = [column[0] for column in cursor.description]
            while rows := cursor.fetchmany(10_000):
                for place, name in enumerate(names):
                    told = f"{table.decode()}.{name}"
                    values = [row[place] for row in rows if row[place] is not None]
                    plain = [value if isinstance(value, bytes) else str(value).encode() for value in values]
                    yield from _beside(plain, told)
                    for value in plain:
                        if len(value) > 64 and any(value.startswith(magic) for magic, _ in _OPENERS):
                            inner = _pieces(memoryview(value), told, overlap, depth + 1)
                            next(inner)
                            yield from inner


def _beside(values: list[bytes], place: str) -> Iterator[Piece]:
    if values:
        yield Piece(place, b"".join(values), ends=np.cumsum([len(value) for value in values], dtype=np.int64))


def _zip(content: memoryview, overlap: int, depth: int, path: Path | None) -> Iterator[Piece | Unopened]:
    with zipfile.ZipFile(_file(content)) as archive:
        for member in archive.infolist():
            if member.is_dir():
                continue
            yield Piece(f"name of {member.filename}", member.filename.encode())
            try:
                inner = memoryview(archive.read(member))
            except _BROKEN as error:
                yield Unopened(member.filename, type(error).__name__)
                continue
            yield from _pieces(inner, member.filename, overlap, depth + 1)


def _stream(open_stream: Callable[[BinaryIO], Any]) -> Callable[..., Iterator[Piece | Unopened]]:
    def unpacked(content: memoryview, overlap: int, depth: int, path: Path | None) -> Iterator[Piece | Unopened]:
        with open_stream(_file(content)) as stream:
            first = stream.read(AT_ONCE)
            if len(first) < AT_ONCE:  # small enough to be opened again
                yield from _pieces(memoryview(first), "unpacked", overlap, depth + 1)
                return
            tail = b""
            while first:
                yield Piece("unpacked", tail + first, begins=len(tail))
                tail = (tail + first)[-overlap:]
                first = stream.read(AT_ONCE)

    return unpacked


def _zlib(content: memoryview, overlap: int, depth: int, path: Path | None) -> Iterator[Piece | Unopened]:
    """What joblib and others pack; two bytes tell it, so that what is none is no fault."""
    try:
        unpacked = zlib.decompressobj().decompress(content)
    except zlib.error:
        return
    yield from _pieces(memoryview(unpacked), "unpacked", overlap, depth + 1)


def _spark_blocks(content: memoryview) -> Iterator[Piece]:
    """Blocks that Spark's shuffles and spills are packed in: LZ4Block, method and level, lengths, checksum, data."""
    whole = bytearray()
    for found in _SPARK_BLOCK.finditer(content):
        begin = found.end() + 12
        packed, plain, _ = struct.unpack("<iiI", content[found.end() : begin])
        if not 0 < packed <= len(content) - begin or not 0 < plain <= 1 << 26:
            continue
        block = content[begin : begin + packed]
        if found.group()[8] & 0xF0 == 0x10:  # as it is
            whole += block
            continue
        try:
            whole += pa.decompress(block, plain, codec="lz4_raw").to_pybytes()
        except (OSError, pa.ArrowInvalid):
            continue
    if whole:
        yield Piece("unpacked blocks of Spark", bytes(whole))


def _zstd(file: BinaryIO) -> Any:
    return zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)


def _file(content: memoryview) -> BinaryIO:
    return pa.BufferReader(pa.py_buffer(content)) if len(content) > AT_ONCE else io.BytesIO(content)  # type: ignore[no-any-return]


_BROKEN = (
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    NotImplementedError,
    pa.ArrowException,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    zstandard.ZstdError,
    sqlite3.Error,
)
_OPENERS: tuple[tuple[bytes, Callable[..., Iterator[Piece | Unopened]]], ...] = (
    (b"PAR1", _parquet),
    (b"SQLite format 3\0", _sqlite),
    (b"PK\x03\x04", _zip),
    (b"\x1f\x8b", _stream(lambda file: gzip.GzipFile(fileobj=file))),
    (
        b"\x28\xb5\x2f\xfd",
        _stream(lambda file: zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)),
    ),
    (b"BZh", _stream(bz2.BZ2File)),
    (b"\xfd7zXZ\0", _stream(lzma.LZMAFile)),
)
