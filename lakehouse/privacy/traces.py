"""Traces of a person: values that say who somebody is, known only by their keyed pseudonyms.

What is searched for is kept as HMACs, so that a certificate can name it without telling it, and years later the same
search can be made again by who has the key of the house. Values are compared without regard to case, whole and by the
words in them.
"""

from __future__ import annotations

import gzip
import io
import re
import sqlite3
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lakehouse.privacy.pseudonyms import Pseudonyms

HIDDEN = "***"
SHORTEST = 6
"""A value of fewer characters, or of digits alone and fewer than `SHORTEST_NUMBER`, is met by chance everywhere: such a
key is looked for only in the columns that hold keys of persons."""
SHORTEST_NUMBER = 8
_MEMBERS = 1 << 28
_OVERLAP = 256
_WORDS = (re.compile(r"[\w.@+-]+"), re.compile(r"\w+"), re.compile(r"[^\W_]+"))


class Traces:
    """A set of values by their pseudonyms."""

    def __init__(self, pseudonyms: Pseudonyms, marks: Iterable[str], lengths: Iterable[int]) -> None:
        """As a certificate has them.

        Args:
            marks: pseudonyms of the values.
            lengths: how many characters the values have; others are not looked at.
        """
        self._pseudonyms = pseudonyms
        self.marks, self.lengths = frozenset(marks), frozenset(lengths)
        self._known: dict[str, bool] = {}

    @classmethod
    def of(cls, pseudonyms: Pseudonyms, values: Iterable[str], every: bool = False) -> Traces:
        """Of these values; those that could be met by chance are left out, unless `every` is wanted."""
        told = {value.strip().lower() for value in values}
        kept = [value for value in told if every or is_telling(value)]
        return cls(pseudonyms, (_mark(pseudonyms, value) for value in kept), map(len, kept))

    def __bool__(self) -> bool:
        return bool(self.marks)

    def is_one(self, value: str) -> bool:
        """Whether a value is one of them."""
        if len(value) not in self.lengths:
            return False
        value = value.lower()
        known = self._known.get(value)
        if known is None:
            if len(self._known) > 2_000_000:
                self._known.clear()
            known = self._known[value] = _mark(self._pseudonyms, value) in self.marks
        return known

    def words_in(self, text: str) -> set[str]:
        """The words of a text that are traces."""
        return {word for word in words(text) if self.is_one(word)}

    def are_in(self, text: str) -> bool:
        """Whether a text, or a word of it, is a trace."""
        return self.is_one(text) or any(self.is_one(word) for word in words(text))

    def hidden_in(self, text: str) -> str:
        """The text with `***` for the words that are traces."""
        for word in sorted(self.words_in(text), key=len, reverse=True):
            text = re.sub(rf"(?<![^\W_]){re.escape(word)}(?![^\W_])", HIDDEN, text)
        return HIDDEN if self.is_one(text) else text

    def hidden_in_value(self, value: Any) -> Any:
        """A value of any type with `***` for the traces in its texts."""
        if isinstance(value, str):
            return self.hidden_in(value)
        if isinstance(value, dict):
            return {self.hidden_in_value(key): self.hidden_in_value(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self.hidden_in_value(one) for one in value]
        if isinstance(value, tuple):
            return tuple(self.hidden_in_value(one) for one in value)
        return value

    def rows_with(self, batch: pa.RecordBatch) -> pa.Array | None:
        """Which rows of a batch hold one in any text; None where none does."""
        found: pa.Array | None = None
        for column, kind in zip(batch.columns, batch.schema.types):
            if pa.types.is_nested(kind):
                hit = [self._in_value(value) for value in column.to_pylist()] if self._any_of(_texts(column)) else None
            else:
                hit = self._rows_of(column) if _is_text(kind) else None
            if hit is not None:
                mask = pa.array(hit, pa.bool_()) if isinstance(hit, list) else hit
                found = mask if found is None else pc.or_(found, mask)
        return found

    def count_in_parquet(self, file: Any) -> int:
        """The rows groups of a Parquet file in which some text is a trace, or has one as a word."""
        with pq.ParquetFile(file) as parquet:
            return sum(
                any(self._any_of(_texts(column)) for column in batch.columns)
                for batch in parquet.iter_batches(1 << 17, columns=text_columns(parquet.schema_arrow))
            )

    def are_in_file(self, path: Path) -> bool:
        """Whether a file holds one: Parquet, SQLite, NumPy and archives are read as what they are."""
        with open(path, "rb") as stream:
            return self.are_in_stream(path.name, stream, path)

    def are_in_stream(self, name: str, stream: Any, path: Path | None = None) -> bool:
        """Whether an open file holds one; `path` where it is one of this machine."""
        head = stream.read(16)
        stream.seek(0)
        if head.startswith(b"PAR1"):
            return self.count_in_parquet(stream) > 0
        if head.startswith(b"SQLite format 3") and path is not None:
            return any(self.are_in(text) for text in _texts_of_database(path))
        if head.startswith(b"\x1f\x8b"):
            with gzip.open(stream) as opened:
                return self.are_in_stream(name, io.BytesIO(opened.read(_MEMBERS)))
        if head.startswith(b"PK\x03\x04"):
            with zipfile.ZipFile(stream) as archive:
                return any(
                    self.are_in_stream(member, io.BytesIO(archive.read(member))) for member in archive.namelist()
                )
        if head.startswith(b"\x93NUMPY"):
            return any(self.are_in(text) for text in _texts_of_array(stream))
        before = b""
        while block := stream.read(1 << 24):
            if self.are_in((before + block).decode("utf-8", "ignore")):
                return True
            before = block[-_OVERLAP:]
        return False

    def _any_of(self, texts: Iterable[pa.Array]) -> bool:
        return any(self.are_in(value) for array in texts for value in pc.unique(array).to_pylist() if value)

    def _rows_of(self, column: pa.Array) -> pa.Array | None:
        text = column.cast(pa.string())
        values = [value for value in pc.unique(text).to_pylist() if value and self.are_in(value)]
        return pc.fill_null(pc.is_in(text, pa.array(values, pa.string())), False) if values else None

    def _in_value(self, value: Any) -> bool:
        if isinstance(value, str):
            return self.are_in(value)
        if isinstance(value, dict):
            return any(self._in_value(one) for pair in value.items() for one in pair)
        return isinstance(value, (list, tuple)) and any(self._in_value(one) for one in value)


def is_telling(value: str) -> bool:
    """Whether a value is of a kind that is not met by chance."""
    return len(value) >= (SHORTEST_NUMBER if value.isdecimal() else SHORTEST)


def _mark(pseudonyms: Pseudonyms, value: str) -> str:
    """Not the pseudonym that tables know a person by: who has a certificate cannot look them up in there."""
    return pseudonyms.pseudonym("trace", value)


def words(text: str) -> set[str]:
    """The words of a text, with and without what may join them: `-`, `_`, `.`, `@`."""
    return {word for pattern in _WORDS for word in pattern.findall(text)}


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
        or (pa.types.is_dictionary(kind) and _is_text(kind.value_type))
    )


def text_columns(schema: pa.Schema) -> list[str]:
    """The columns that may hold text, in lists, maps and structs too."""
    return [field.name for field in schema if _is_text(field.type) or pa.types.is_nested(field.type)]


def _texts(column: pa.Array) -> Iterator[pa.Array]:
    """The texts of a column, those of lists, maps and structs too."""
    kind = column.type
    if _is_text(kind):
        yield column.cast(pa.string())
    elif pa.types.is_map(kind):
        yield from _texts(column.keys)
        yield from _texts(column.items)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        yield from _texts(column.flatten())
    elif pa.types.is_struct(kind):
        for place in range(kind.num_fields):
            yield from _texts(column.field(place))


def _texts_of_database(path: Path) -> Iterator[str]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        db.text_factory = lambda raw: raw.decode("utf-8", "replace")
        for (table,) in db.execute("select name from sqlite_master where type = 'table'").fetchall():
            for row in db.execute(f'select * from "{table}"'):
                yield from (value for value in row if isinstance(value, str))


def _texts_of_array(stream: Any) -> Iterator[str]:
    import numpy as np

    try:
        array = np.load(stream, allow_pickle=False)
    except ValueError:  # objects, pickled: their texts stand in there as bytes
        stream.seek(0)
        yield stream.read().decode("utf-8", "ignore")
        return
    if array.dtype.kind in "US":
        yield from map(str, np.unique(array).tolist())
