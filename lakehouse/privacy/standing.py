"""What persons' rights have changed so far, as far as what is built depends on it."""

from __future__ import annotations

from typing import Any

from lakehouse import ops
from lakehouse.settings import Settings


def restricted(settings: Settings) -> list[str]:
    """Customers whose data are kept and not used, sorted."""
    return sorted({row["customer_id"] for row in ops.read(settings, "restrictions")})


def of_rights(settings: Settings) -> list[Any]:
    """Certificates of erasures, and the restrictions in force: a run with others than before has something to do."""
    certificates = sorted(path.name for path in (settings.home / "certificates").glob("*.json"))
    return [certificates, restricted(settings)]
