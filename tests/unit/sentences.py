"""The sentences of the marts as the macros of `dbt_project/macros/sentences` declare them."""

from __future__ import annotations

from typing import Any

import jinja2

from lakehouse.settings import CHECKOUT

FOLDER = CHECKOUT / "dbt_project" / "macros" / "sentences"


def declared() -> dict[str, dict[str, dict[str, str]]]:
    """Macro -> key -> language -> sentence."""
    found: dict[str, Any] = {}
    for file in sorted(FOLDER.glob("*.sql")):
        returned: list[Any] = []
        environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
        environment.globals["return"] = returned.append
        module = environment.from_string(file.read_text(encoding="utf-8")).module
        for name in (name for name in vars(module) if not name.startswith("_")):
            getattr(module, name)()
            found[name] = returned.pop()
    return found


MACROS = declared()
