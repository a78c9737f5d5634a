"""How raw column names are stored: without the characters that Delta refuses, one column whatever the case."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from lakehouse.bronze.protection import is_shown
from lakehouse.errors import InputError
from lakehouse.expressions import LINEAGE_COLUMNS

_REFUSED = re.compile(r"[ ,;{}()=\x00-\x1f\x7f]")
MOST_COLUMNS = 10_000
"""Of one entity of one source; beyond it, keys are data (`{"user-17": …}`), and no table has them as columns."""


def stored_names(raw: Iterable[str], known: Mapping[str, str], table_columns: Iterable[str]) -> dict[str, str]:
    """Raw name -> stored column, for all names known so far and the new ones.

    Args:
        raw: names as the files have them.
        known: the names that this source and entity have already, which stay as they are.
        table_columns: the columns of the bronze table; a name that differs only in case shares its column.
    """
    names = dict(known)
    spelling = {column.lower(): column for column in table_columns}
    taken = {stored.lower(): raw_name.lower() for raw_name, stored in known.items()}
    counts: dict[str, int] = {}
    for name in raw:
        if name in names:
            continue
        base = _REFUSED.sub("_", name) or "_"
        if base.lower() in LINEAGE_COLUMNS:
            base += "_"
        if is_shown(base.lower()):
            base = f"raw{base}"
        stored = base
        while taken.get(stored.lower(), name.lower()) != name.lower():
            counts[base] = counts.get(base, 1) + 1
            stored = f"{base}_{counts[base]}"
        stored = spelling.setdefault(stored.lower(), stored)
        taken[stored.lower()] = name.lower()
        names[name] = stored
    return names


def unique_names(names: Iterable[str]) -> list[str]:
    """Names without blanks around them; nameless ones become `_c3`, a name's second appearance `name_2`."""
    unique: list[str] = []
    taken: set[str] = set()
    counts: dict[str, int] = {}
    for place, name in enumerate(names):
        tidy = name.strip() or f"_c{place}"
        chosen = tidy
        while chosen.lower() in taken:
            counts[tidy.lower()] = counts.get(tidy.lower(), 1) + 1
            chosen = f"{tidy}_{counts[tidy.lower()]}"
        taken.add(chosen.lower())
        unique.append(chosen)
    return unique


def require_few(path: Path, count: int) -> None:
    """Refuse what no table should have.

    Raises:
        InputError: there are more than `MOST_COLUMNS` columns.
    """
    if count > MOST_COLUMNS:
        raise InputError(
            f"{path} has more than {MOST_COLUMNS:,} columns; write what is data in rows, not in names of columns"
        )
