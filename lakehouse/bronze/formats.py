"""Which reader a path needs: as the source file says, else by its name, else by its content."""

from __future__ import annotations

from pathlib import Path

from lakehouse.bronze.columnar_records import DeltaFolder, ParquetFile
from lakehouse.bronze.csv_records import CsvFile
from lakehouse.bronze.json_records import JsonLinesFile
from lakehouse.bronze.records import RecordFile
from lakehouse.bronze.streams import SUFFIXES, compression_of, open_stream, told_plainly
from lakehouse.errors import InputError
from lakehouse.sources import EntitySource

_BY_SUFFIX = {
    **dict.fromkeys((".csv", ".tsv", ".txt", ".dat", ".psv"), "csv"),
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), "json"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
}
_BINARY = {
    b"PAR1": "a Parquet file",
    b"PK\x03\x04": "a zip or Excel file",
    b"\xd0\xcf\x11\xe0": "an Excel file",
    b"%PDF": "a PDF",
}
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def open_records(path: Path, options: EntitySource) -> RecordFile:
    """The reader of a file or Delta folder.

    Raises:
        InputError: it is empty, unreadable, or of another format than said.
    """
    if path.is_dir():
        if options.format not in (None, "delta"):
            raise InputError(f"{path} is a folder with a Delta table, not {options.format}")
        return DeltaFolder(path)
    if options.format == "delta":
        raise InputError(f"{path} is a file, not the folder of a Delta table")
    compression = compression_of(path, options.compression)
    with told_plainly(path), open_stream(path, compression) as stream:
        head = stream.read(4096)
    if not head:
        raise InputError(f"{path} is empty")
    kind = options.format or _BY_SUFFIX.get(_inner_suffix(path)) or _sniffed(head)
    if kind == "parquet":
        if not head.startswith(b"PAR1"):
            raise InputError(f"{path} is not a Parquet file; state its `format:` (csv or json)")
        if compression != "none":
            raise InputError(f"{path} is a Parquet file within {compression}; unpack it")
        return ParquetFile(path)
    _refuse_binary(path, head, kind, options.encoding)
    if kind == "json":
        return JsonLinesFile(path, compression, options.encoding)
    return CsvFile(path, compression, options.encoding, options.delimiter, options.quote, options.header)


def _inner_suffix(path: Path) -> str:
    name = Path(path.name.lower())
    return Path(name.stem).suffix if name.suffix in SUFFIXES else name.suffix


def _sniffed(head: bytes) -> str:
    if head.startswith(b"PAR1"):
        return "parquet"
    return "json" if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") else "csv"


def _refuse_binary(path: Path, head: bytes, kind: str, encoding: str | None) -> None:
    name = "JSON lines" if kind == "json" else "CSV"
    for magic, what in _BINARY.items():
        if head.startswith(magic):
            raise InputError(f"{path} is {what}, not {name}")
    is_wide = head.startswith(_UTF16_MARKS) or b"\0" in "\n".encode(encoding or "utf-8")
    if head.count(0) * 100 > len(head) and not is_wide:
        raise InputError(f"{path} is binary, not {name} text; if it is UTF-16, state `encoding: utf-16-le`")
    if kind == "csv" and head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b'{"', b"[{")):
        raise InputError(f"{path} is JSON, not CSV; state `format: json`")
