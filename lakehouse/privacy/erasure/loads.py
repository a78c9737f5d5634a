"""What `ops.loads` says of batches of which rows are removed."""

from __future__ import annotations

from collections.abc import Mapping

from lakehouse import ops
from lakehouse.privacy.erasure.journal import Journal

OF_A_BATCH = ("landed", "quarantined")
EMPTIED = "emptied"


def note_loads(journal: Journal, batches: Mapping[str, int], what: str, why: str) -> None:
    """Note how many rows `landed` or `quarantined` of each batch go, or are `emptied`, and its counts of before.

    Args:
        why: what becomes of them: `erased` or `expired`.
    """
    for row in ops.read(journal.settings, "loads"):
        if row["batch_id"] in batches:
            before = {f"{name} before": row.get(f"rows_{name}") or 0 for name in (*OF_A_BATCH, EMPTIED, why)}
            noted = journal.progress.loads.setdefault(row["batch_id"], {**dict.fromkeys(OF_A_BATCH, 0), **before})
            noted[what] = batches[row["batch_id"]]


def write_loads(journal: Journal, why: str) -> None:
    """Write what was noted."""
    if not journal.progress.loads:
        return
    rows = ops.read(journal.settings, "loads")
    for row in rows:
        noted = journal.progress.loads.get(row["batch_id"])
        if noted is not None:
            for what in OF_A_BATCH:
                row[f"rows_{what}"] = noted[f"{what} before"] - noted[what]
            row[f"rows_{why}"] = noted[f"{why} before"] + noted["landed"] + noted["quarantined"]
            if EMPTIED in noted:
                row[f"rows_{EMPTIED}"] = noted[f"{EMPTIED} before"] + noted[EMPTIED]
    ops.overwrite(journal.settings, "loads", rows)
