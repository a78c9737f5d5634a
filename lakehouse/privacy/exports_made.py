"""The register of what left the house: which table went where, when, what for and by whom."""

from __future__ import annotations

from datetime import datetime, timezone

from lakehouse import ops
from lakehouse.privacy.reveal import asking_user
from lakehouse.settings import Settings


def remember(
    settings: Settings,
    table: str,
    target: str,
    rows: int,
    purpose: str | None = None,
    channel: str | None = None,
    subject_id: str | None = None,
) -> None:
    """Write an export down in `ops.exports`, once it is made.

    Args:
        target: a database's address with schema and table, or a file.
        subject_id: of an export of one person, who, by pseudonym.
    """
    ops.ensure_tables(settings)
    row = {
        "exported_at": datetime.now(timezone.utc),
        "exported_by": asking_user(),
        "table_name": table,
        "target": target,
        "rows": rows,
        "purpose": purpose,
        "channel": channel,
        "subject_id": subject_id,
    }
    ops.append(settings, "exports", [row])
