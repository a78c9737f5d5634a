"""Which files of an entity are to be landed, and which earlier batches they supersede; decided by content."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class NewFile:
    """A file to land: `file` is its path as bronze writes it down."""

    path: Path
    file: str
    content_sha256: str


@dataclass(frozen=True)
class EntityPlan:
    """What is to be done for one entity of one source."""

    to_land: list[NewFile]
    superseded_batch_ids: list[str]


def plan_entity(contents: Mapping[Path, str], folder: Path, loads: Sequence[Mapping[str, Any]]) -> EntityPlan:
    """Compare the files on disk with what was landed.

    - Content that was landed and is current is not landed again, whatever the file is called now.
    - Other content at a landed path supersedes the path's earlier batch.
    - If that earlier content has moved to another path (a rotated log), it is landed anew under that path, and
      so is content that had been superseded and is back.

    Args:
        contents: file -> SHA-256 of its content, in the order to land them.
        folder: the source file's folder.
        loads: the rows of `ops.loads` of this source and entity.
    """
    on_disk = {relative_name(path, folder): sha for path, sha in contents.items()}
    current = {row["content_sha256"]: row for row in loads if row["is_current"]}
    to_land: dict[str, NewFile] = {}
    for path, sha in contents.items():
        file = relative_name(path, folder)
        landed = current.get(sha)
        if sha in to_land or (landed is not None and on_disk.get(landed["file"], sha) == sha):
            continue
        to_land[sha] = NewFile(path, file, sha)
    gone = [
        row["batch_id"] for sha, row in current.items() if on_disk.get(row["file"], sha) != sha and sha not in to_land
    ]
    return EntityPlan(list(to_land.values()), gone)


def relative_name(path: Path, folder: Path) -> str:
    """The path seen from the source file's folder, with `/`."""
    return Path(os.path.relpath(path, folder)).as_posix()
