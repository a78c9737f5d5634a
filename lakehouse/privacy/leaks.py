"""Every byte under a folder searched for values that must not be there (`lakehouse privacy scan`, the leak test).

What is found is told by file, place, table version, marker and encoding; the value itself is in no report.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Optional
from urllib.parse import unquote

import numpy as np

from lakehouse.errors import InputError
from lakehouse.privacy.contents import Piece, Unopened, pieces_of
from lakehouse.privacy.markers import Marker, Match, Search

_FRACTION = re.compile(rb"\d\.\d*$")
_Commits = dict[str, tuple[Optional[int], Optional[int], int]]


@dataclass(frozen=True)
class Leak:
    """A marker in a place of a file, so many times; `versions` are those of the Delta table that have the file."""

    file: str
    place: str
    versions: str
    marker: str
    encoding: str
    count: int


@dataclass
class Scan:
    """What was looked at, and what was found; `unopened` says of which contents only the packed bytes were seen."""

    files: int = 0
    bytes: int = 0
    leaks: list[Leak] = field(default_factory=list)
    unopened: list[str] = field(default_factory=list)

    def where(self) -> list[tuple[str, str, str, int, int]]:
        """Folder, place, encodings, how many markers and how often: a row per place of a table or folder."""
        found: dict[tuple[str, str], tuple[set[str], set[str], int]] = {}
        for leak in self.leaks:
            encodings, markers, count = found.get((_folder(leak.file), leak.place), (set(), set(), 0))
            told = (encodings | {leak.encoding}, markers | {leak.marker}, count + leak.count)
            found[_folder(leak.file), leak.place] = told
        return [
            (folder, place, ", ".join(sorted(encodings)), len(markers), count)
            for (folder, place), (encodings, markers, count) in sorted(found.items())
        ]


def scan(
    folder: Path,
    markers: Iterable[Marker],
    leave_out: Sequence[Path] = (),
    progress: Callable[[str], None] = lambda file: None,
) -> Scan:
    """Search everything below a folder, or one file: names of files, their bytes, and what they hold when opened.

    Args:
        leave_out: files and folders that are not looked at, such as the exports that the values come from.

    Raises:
        InputError: there is no such folder, or a file in it may not be read.
    """
    if not folder.exists():
        raise InputError(f"there is no folder {folder} to be searched")
    return scan_with(Search(markers), folder, leave_out, progress)


def scan_with(
    search: Search,
    folder: Path,
    leave_out: Sequence[Path] = (),
    progress: Callable[[str], None] = lambda file: None,
) -> Scan:
    """`scan` with markers that were made ready before, which takes seconds for many thousand."""
    done, commits = Scan(), lru_cache(maxsize=64)(_commits)
    for path in _files(folder, {Path(os.path.abspath(one)) for one in leave_out}):
        shown = str(path.relative_to(folder)) if path != folder else path.name
        progress(shown)
        done.files += 1
        found: Counter[tuple[str, str, str]] = Counter()
        _count(search, Piece("name of the file", os.fsencode(shown)), found)
        if path.is_symlink():
            _count(search, Piece("target of the link", os.fsencode(os.readlink(path))), found)
        else:
            done.bytes += path.stat().st_size
            try:
                for piece in pieces_of(path, search.longest):
                    if isinstance(piece, Unopened):
                        done.unopened.append(f"{shown}{piece.place and f' ({piece.place})'}: {piece.why}")
                    else:
                        _count(search, piece, found)
            except PermissionError:
                raise InputError(f"{path} may not be read by you, so nobody can say what is in it") from None
        versions = _versions(path, commits) if found else ""
        done.leaks += [
            Leak(shown, place, versions, marker, encoding, count)
            for (place, marker, encoding), count in sorted(found.items())
        ]
    return done


def _count(search: Search, piece: Piece, found: Counter[tuple[str, str, str]]) -> None:
    for match in search.matches(piece.content):
        if match.end <= piece.begins:
            continue  # of what the piece before had too
        first = 0
        if piece.ends is not None:
            value = int(np.searchsorted(piece.ends, match.start, side="right"))
            first, last = int(piece.ends[value - 1]) if value else 0, int(piece.ends[value])
            if match.end > last or (piece.are_numbers and (match.start, match.end) != (first, last)):
                continue  # made of two values that are no neighbours but here, or a part of a longer number
        if _is_of_a_fraction(piece.content, first, match):
            continue
        found[piece.place or "bytes as they lie", match.marker, match.encoding] += 1


def _is_of_a_fraction(content: bytes | memoryview, first: int, match: Match) -> bool:
    """Whether digits are some of those behind a point: of a million measures some have a phone there by chance."""
    if not bytes(content[match.start : match.end]).isdigit():
        return False
    before = bytes(content[max(first, match.start - 20) : match.start])
    return _FRACTION.search(before) is not None


def _files(folder: Path, leave_out: set[Path]) -> Iterator[Path]:
    if not folder.is_dir():
        yield folder
        return

    def refused(error: OSError) -> None:
        raise InputError(f"{error.filename} may not be read by you, so nobody can say what is in it") from None

    for root, folders, names in os.walk(folder, onerror=refused):
        inside = Path(os.path.abspath(root))
        folders[:] = sorted(name for name in folders if inside / name not in leave_out)
        for name in sorted(names):
            path = Path(root, name)
            if inside / name not in leave_out and (path.is_file() or path.is_symlink()):
                yield path


def _folder(file: str) -> str:
    """The table that a file is of, else its folder."""
    folder = Path(file).parent
    return str(folder.parent if folder.name == "_delta_log" else folder)


def _versions(path: Path, commits: Callable[[Path], _Commits]) -> str:
    """The versions of a Delta table that have the file, by the commits that are still there."""
    for table in path.parents:
        log = table / "_delta_log"
        if log.is_dir():
            if path.parent == log:
                return ""
            added, removed, last = commits(log).get(str(path.relative_to(table)), (None, None, None))
            if added is None and removed is None:
                return "in no version"
            until = removed - 1 if removed is not None else last
            return f"versions {'…' if added is None else added} to {until}"
    return ""


def _commits(log: Path) -> _Commits:
    """File -> the version that added it, the one that took it away, and the newest of the table."""
    found: dict[str, tuple[int | None, int | None]] = {}
    last = 0
    for commit in sorted(log.glob("*.json")):
        if not commit.stem.isdecimal():
            continue
        last = int(commit.stem)
        for line in commit.read_text(encoding="utf-8").splitlines():
            action = json.loads(line)
            for kind in ("add", "remove"):
                if kind in action:
                    file = unquote(action[kind]["path"])
                    added, removed = found.get(file, (None, None))
                    found[file] = (last, removed) if kind == "add" else (added, last)
    return {file: (*times, last) for file, times in found.items()}
