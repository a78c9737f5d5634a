"""Which columns a use may have, as `uses.yml` declares it: models, and exports by their purpose."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from lakehouse.errors import InputError, LakehouseError
from lakehouse.privacy.classes import class_of

DECLARED = Path(__file__).with_name("uses.yml")


@dataclass(frozen=True)
class ExportPurpose:
    """What leaves the house for one purpose.

    `consent` is `required` or `unless_refused`; `contact` says per channel which identifiers it needs; where
    `is_k_anonymous`, nobody may be alone among few who are alike.
    """

    name: str
    consent: str
    classes: frozenset[str]
    columns: frozenset[str]
    contact: Mapping[str, tuple[str, ...]]
    is_k_anonymous: bool

    @property
    def needs_consent(self) -> bool:
        """Whether silence is a no."""
        return self.consent == "required"

    def allows(self, table: str, column: str, channel: str | None) -> bool:
        """Whether a column of a table (as in `class_of`) may leave for it, over a channel if it has channels."""
        asked = self.columns | set(self.contact.get(channel or "", ()))
        return column in asked or class_of(table, column).kind in self.classes


def export_purpose(name: str | None, channel: str | None, table: str) -> ExportPurpose:
    """The purpose of that name.

    Raises:
        InputError: there is none, it is not told, or it goes over a channel and none, or another one, is told.
    """
    known = _declared()[1]
    if name is None:
        raise InputError(f"{table} is about people: say what for with --purpose ({', '.join(known)})")
    if name not in known:
        raise InputError(f"--purpose {name!r} is none of {', '.join(known)} (lakehouse/privacy/{DECLARED.name})")
    purpose = known[name]
    if not purpose.contact and channel is not None:
        raise InputError(f"purpose {name} goes over no channel: leave --channel out")
    if purpose.contact and channel not in purpose.contact:
        said = "say over which channel with --channel" if channel is None else f"--channel {channel!r} is none it knows"
        raise InputError(f"consent for {name} is given by channel: {said} ({', '.join(purpose.contact)})")
    return purpose


def check_uses(tables: Mapping[str, Iterable[str]]) -> None:
    """Let a build go on in which every column has a class, silver carries what it may, and models learn from what they
    may.

    Args:
        tables: dbt models and sources, named as in `class_of` -> their columns.

    Raises:
        LakehouseError: a column has no class, or is where it must not be.
    """
    models, _ = _declared()
    for table, columns in tables.items():
        for column in columns:
            found = class_of(table, column)
            if table.startswith("stg_") and not found.in_silver:
                raise LakehouseError(f"{table} carries {column}, which goes nowhere beyond bronze: take it out")
            is_feature = fnmatchcase(table, models["reads"])
            if is_feature and found.kind not in models["classes"] and column not in models["also"].get(table, {}):
                raise LakehouseError(
                    f"{table} offers {column} ({found.kind.replace('_', ' ')}) to models: take it out, or say why it "
                    f"is needed in lakehouse/privacy/{DECLARED.name}"
                )


@lru_cache(maxsize=1)
def _declared() -> tuple[Mapping[str, Any], dict[str, ExportPurpose]]:
    content = yaml.safe_load(DECLARED.read_text(encoding="utf-8"))
    exports = {
        name: ExportPurpose(
            name,
            told["consent"],
            frozenset(told["classes"]),
            frozenset(told["columns"]),
            {channel: tuple(columns) for channel, columns in told["contact"].items()},
            told["k_anonymous"],
        )
        for name, told in content["exports"].items()
    }
    return content["models"], exports
