"""Opening files: compression by what is in them, and faults told in the user's terms."""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import pyarrow as pa
from deltalake.exceptions import DeltaError

from lakehouse.errors import InputError, LakehouseError

MAGIC = {"gzip": b"\x1f\x8b", "bz2": b"BZh", "zstd": b"\x28\xb5\x2f\xfd"}
_SPARE_BYTES = 16 << 20
_CHUNK = 1 << 20
_NOTHING_LANDED = "; nothing of it was landed"
SUFFIXES = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd", ".zstd": "zstd"}


def compression_of(path: Path, stated: str | None) -> str:
    """`gzip`, `bz2`, `zstd` or `none`, by the file's first bytes.

    Raises:
        InputError: its name or the source file says another thing than its content.
    """
    head = first_bytes(path, 4)
    found = next((name for name, magic in MAGIC.items() if head.startswith(magic)), "none")
    expected = stated or SUFFIXES.get(path.suffix.lower())
    if expected is not None and expected != found and head:
        says = "`compression:` says" if stated else "its name says"
        raise InputError(f"{path} is not {expected} as {says} (its content is {_spoken(found)})")
    return found


def first_bytes(path: Path, count: int) -> bytes:
    """The beginning of the file as it lies on disk."""
    with told_plainly(path), open(path, "rb") as stream:
        return stream.read(count)


def open_stream(path: Path, compression: str) -> IO[bytes]:
    """The file's content, decompressed while it is read."""
    if compression == "gzip":
        return cast("IO[bytes]", gzip.open(path, "rb"))
    if compression == "bz2":
        return io.BufferedReader(_Bz2Stream(path), _CHUNK)
    if compression == "zstd":
        # python-zstandard takes a cut frame for the end of the file; Arrow says so.
        return pa.CompressedInputStream(pa.OSFile(str(path)), "zstd")
    return open(path, "rb")


class _Bz2Stream(io.RawIOBase):
    """A bz2 file to its last byte: Python's own reader leaves out, silently, what follows and is not bz2."""

    def __init__(self, path: Path) -> None:
        self._file = open(path, "rb")  # noqa: SIM115 - closed with the stream
        self._stream = bz2.BZ2Decompressor()
        self._is_begun = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while True:
            if self._stream.eof:
                following = self._stream.unused_data
                self._stream, self._is_begun = bz2.BZ2Decompressor(), False
            else:
                following = self._file.read(_CHUNK) if self._stream.needs_input else b""
                if not following and self._stream.needs_input:
                    if self._is_begun:
                        raise EOFError
                    return 0
            self._is_begun = self._is_begun or bool(following)
            found = self._stream.decompress(following, len(buffer))
            if found:
                buffer[: len(found)] = found
                return len(found)

    def close(self) -> None:
        self._file.close()
        super().close()


@contextmanager
def told_plainly(path: Path) -> Iterator[None]:
    """Turn what can go wrong while reading `path` into one sentence that names it.

    Raises:
        InputError: missing, not permitted, cut short or damaged.
        LakehouseError: the disk is full, or another fault of the machine.
    """
    try:
        yield
    except LakehouseError:
        raise
    except FileNotFoundError:
        raise InputError(f"{path} does not exist") from None
    except PermissionError:
        raise InputError(f"{path} cannot be read: permission denied") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder, not a file") from None
    except EOFError:
        raise InputError(f"{path} is cut short: its compressed content ends early{_NOTHING_LANDED}") from None
    except (zlib.error, gzip.BadGzipFile, pa.ArrowException, OverflowError) as error:
        raise InputError(f"{path} is damaged: {_first_line(error)}{_NOTHING_LANDED}") from None
    except OSError as error:
        if error.errno is None:
            raise InputError(f"{path} is damaged: {_first_line(error)}{_NOTHING_LANDED}") from None
        raise LakehouseError(f"{path}: {error.strerror or error}") from None
    except DeltaError as error:
        raise InputError(f"{path} is no readable Delta table: {_first_line(error)}") from None


@contextmanager
def written_plainly(place: Path) -> Iterator[None]:
    """Turn what can go wrong while writing tables under `place` into one sentence.

    Raises:
        LakehouseError: the disk is full or the folder may not be written.
    """
    try:
        yield
    except (OSError, DeltaError) as error:
        text = str(error)
        if getattr(error, "errno", None) == errno.ENOSPC or "No space left" in text or "os error 28" in text:
            raise LakehouseError(f"no space left on the disk of {place}; free some and run again") from None
        if isinstance(error, PermissionError) or "Permission denied" in text:
            raise LakehouseError(f"{place} cannot be written: permission denied") from None
        raise LakehouseError(f"{place} cannot be written: {_first_line(error)}") from None


def require_space(place: Path, file_bytes: int = 0) -> None:
    """Refuse to begin what the disk cannot hold; while writing, delta-rs would tell of it in its own words.

    Raises:
        LakehouseError: less is free than a quarter of the file (what text needs as Parquet) and 16 MiB.
    """
    existing = next(folder for folder in (place, *place.parents) if folder.exists())
    free, needed = shutil.disk_usage(existing).free, _SPARE_BYTES + file_bytes // 4
    if free < needed:
        mib = 1 << 20
        raise LakehouseError(
            f"no space left on the disk of {place}: {free // mib} MiB are free and about {needed // mib} MiB "
            f"needed; free some and run again"
        )


def _spoken(compression: str) -> str:
    return "not compressed" if compression == "none" else compression


def _first_line(error: Any) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
