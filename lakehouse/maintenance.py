"""Keeping the home small and quick: small files joined, files that nobody can ask for removed, logs checkpointed.

Nothing here needs a JVM. A gold version that a published set on the shelf names keeps all its files, however old.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.fs as pafs
from deltalake import DeltaTable

from lakehouse.bronze.streams import written_plainly
from lakehouse.builds import Ledger, table_state
from lakehouse.ops import OPS_SCHEMAS
from lakehouse.publication import retained_versions
from lakehouse.settings import Settings
from lakehouse.storage import LOG, delta_table, folder_of, has_table, list_tables, sizes

FEW_FILES = 16
"""A table (or partition) of at most so many files is left as it is: joining four files of a megabyte gains nothing."""
SMALL_BYTES = 32 << 20
COMMITS_WITHOUT_CHECKPOINT = 20
OPS_FILES = 64
"""A run appends about 20 files to `ops`. To read a table of 64 takes 0.3 CPU s, of 1,000 2.3 (`delta-rs` 1.6)."""


@dataclass(frozen=True)
class Maintained:
    """What was done to a table, or would be; `files_after` is None where a dry run cannot know it."""

    table: str
    files_before: int
    files_after: int | None
    removed_files: int
    removed_bytes: int
    is_checkpointed: bool
    kept_versions: tuple[int, ...]


def maintain(
    settings: Settings, dry_run: bool = False, progress: Callable[[str], None] = lambda table: None
) -> list[Maintained]:
    """Compact, vacuum and checkpoint every table of the home and its vault; one row per table that had something to do.

    Args:
        dry_run: say what would be removed and joined, and leave all as it is.
    """
    ledger = Ledger(settings)
    pinned = retained_versions(settings)
    done = []
    with written_plainly(settings.home):
        kept = [("vault", "identifiers")] if has_table(settings, "vault.identifiers") else []
        for schema, table in [*list_tables(settings), *kept]:
            progress(f"{schema}.{table}")
            one = _maintain_table(
                settings, f"{schema}.{table}", pinned.get(f"{schema}.{table}", set()), ledger, dry_run
            )
            if one.files_before != one.files_after or one.removed_files or one.is_checkpointed:
                done.append(one)
    return done


def bound_ops_files(settings: Settings) -> None:
    """Join the small files of the `ops` tables once there are many: every run appends some."""
    for table in OPS_SCHEMAS:
        delta = delta_table(settings, f"ops.{table}")
        if len(delta.file_uris()) > OPS_FILES:
            delta.optimize.compact()
            delta.create_checkpoint()


def _maintain_table(settings: Settings, name: str, pinned: set[int], ledger: Ledger, dry_run: bool) -> Maintained:
    delta = delta_table(settings, name)
    before = delta.file_uris()
    is_joined = _has_many_small(delta)
    if is_joined and not dry_run:
        state = table_state(settings, name)
        delta.optimize.compact()
        ledger.moved(name, state)
    keep = sorted(pinned | {delta.version()})
    hours = settings.retention_hours
    unused = delta.vacuum(hours, dry_run=True, enforce_retention_duration=False, full=True, keep_versions=keep)
    removed_bytes = sum(sizes(settings, name, unused))
    is_due = delta.version() - _last_checkpoint(settings, name) >= COMMITS_WITHOUT_CHECKPOINT
    if not dry_run:
        if unused:
            delta.vacuum(hours, dry_run=False, enforce_retention_duration=False, full=True, keep_versions=keep)
        if is_due:
            delta.create_checkpoint()
    return Maintained(
        table=name,
        files_before=len(before),
        files_after=None if is_joined and dry_run else len(delta_table(settings, name).file_uris()),
        removed_files=len(unused),
        removed_bytes=removed_bytes,
        is_checkpointed=is_due,
        kept_versions=tuple(keep),
    )


def _has_many_small(delta: DeltaTable) -> bool:
    actions = pa.table(delta.get_add_actions(flatten=True))
    small = Counter(
        path.rpartition("/")[0]
        for path, size in zip(actions["path"].to_pylist(), actions["size_bytes"].to_pylist())
        if size < SMALL_BYTES
    )
    return max(small.values(), default=0) > FEW_FILES


def _last_checkpoint(settings: Settings, name: str) -> int:
    files, folder = folder_of(settings, name)
    names = (entry.base_name for entry in files.get_file_info(pafs.FileSelector(f"{folder}/{LOG}")))
    return max(
        (int(found.split(".")[0]) for found in names if ".checkpoint" in found and found[0].isdigit()), default=0
    )
