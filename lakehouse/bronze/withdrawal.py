"""Taking a batch out of what silver reads: for a bad file that is gone and has no correction."""

from __future__ import annotations

from typing import Any

from lakehouse import ops
from lakehouse.bronze.journal import Journal
from lakehouse.errors import InputError
from lakehouse.settings import Settings
from lakehouse.sources import remembered_sources


def withdraw(settings: Settings, named: str) -> list[dict[str, Any]]:
    """Make the current batches of a file, or one batch, current no longer; bronze keeps their rows.

    Args:
        named: a file as `ops.loads` names it, or a batch id.

    Returns:
        The rows of `ops.loads` that were current until now.

    Raises:
        InputError: there is no such file or batch, or the file is still where its source looks for files, so that the
            next run would land it again.
    """
    current = [row for row in ops.read(settings, "loads") if row["is_current"]]
    chosen = [row for row in current if named in (row["file"], row["batch_id"])]
    if not chosen:
        raise InputError(
            f"no current batch is called {named!r} or comes from a file of that name: "
            '`lakehouse sql "select file, batch_id, rows_landed from ops.loads where is_current"` lists them'
        )
    folders = {source.name: source.folder for source in remembered_sources(settings)}
    for row in chosen:
        folder = folders.get(row["source"])
        if folder is not None and (folder / row["file"]).exists():
            raise InputError(
                f"{folder / row['file']} is still there and the next run would land it again: correct it in place "
                "(the corrected file replaces what was landed), or move it away and withdraw it then"
            )
    Journal(settings).commit([], [row["batch_id"] for row in chosen])
    return chosen
