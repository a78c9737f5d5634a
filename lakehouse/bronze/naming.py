"""How raw column names are stored: without the characters that Delta refuses, one column whatever the case."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from lakehouse.expressions import LINEAGE_COLUMNS

_REFUSED = re.compile(r"[ ,;{}()\n\r\t=]")


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
    for name in raw:
        if name in names:
            continue
        base = _REFUSED.sub("_", name) or "_"
        if base.lower() in LINEAGE_COLUMNS:
            base += "_"
        stored, count = base, 1
        while taken.get(stored.lower(), name.lower()) != name.lower():
            count += 1
            stored = f"{base}_{count}"
        stored = spelling.setdefault(stored.lower(), stored)
        taken[stored.lower()] = name.lower()
        names[name] = stored
    return names
