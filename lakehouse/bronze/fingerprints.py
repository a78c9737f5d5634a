"""A file's content as a SHA-256, remembered by size and time so that an unchanged file is not read again."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path

from deltalake import DeltaTable

from lakehouse.atomic_file import replace_file
from lakehouse.bronze.streams import told_plainly

_CHUNK = 4 << 20
_RACY_NS = 2_000_000_000
"""A file changed less than this before it was hashed may change again without its time showing it."""


class Fingerprints:
    """Content hashes of files; `save` keeps them in one JSON file of the home."""

    def __init__(self, kept_in: Path) -> None:
        self._kept_in = kept_in
        try:
            self._known: dict[str, list[int | str]] = json.loads(kept_in.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            self._known = {}
        self._changed = False
        self._when_hashed: dict[Path, tuple[int, ...]] = {}

    def still_stands(self, path: Path) -> bool:
        """The file is as it was when `of` read it, if it did."""
        then = self._when_hashed.get(path)
        return then is None or then == size_and_time(path)

    def of(self, path: Path) -> str:
        """SHA-256 of the content: a file's bytes; for a Delta table, the files of its newest version."""
        with told_plainly(path):
            self._when_hashed[path] = size_and_time(path)
            if path.is_dir():
                return _delta_content(path)
            stat = path.stat()
            known = self._known.get(str(path))
            if known and known[:2] == [stat.st_size, stat.st_mtime_ns]:
                return str(known[2])
            digest = hashlib.sha256()
            with open(path, "rb") as stream:
                while chunk := stream.read(_CHUNK):
                    digest.update(chunk)
            if time.time_ns() - stat.st_mtime_ns > _RACY_NS:
                self._known[str(path)] = [stat.st_size, stat.st_mtime_ns, digest.hexdigest()]
                self._changed = True
            return digest.hexdigest()

    def save(self) -> None:
        """Keep what was learnt, if anything."""
        if self._changed:
            replace_file(self._kept_in, json.dumps(self._known))
            self._changed = False


def batch_id(source: str, entity: str, content_sha256: str) -> str:
    """16 hexadecimal digits that the same content of the same source and entity always gets."""
    return hashlib.sha256(f"{source}\n{entity}\n{content_sha256}".encode()).hexdigest()[:16]


def size_and_time(path: Path) -> tuple[int, ...]:
    """Changes whenever the file does (for a Delta table: nothing; its version is read whole)."""
    if path.is_dir():
        return ()
    with told_plainly(path):
        stat = path.stat()
        return stat.st_size, stat.st_mtime_ns, stat.st_ino


def _delta_content(path: Path) -> str:
    names = sorted(Path(uri).name for uri in DeltaTable(path).file_uris())
    return hashlib.sha256("\n".join(names).encode()).hexdigest()
