from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lakehouse.settings import load_settings
from lakehouse.sql_server import backend


class Catalogue:
    """A session that counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.catalog = SimpleNamespace(tableExists=self._exists)

    def sql(self, text: str) -> Any:
        self.asked.append(text)
        return SimpleNamespace(collect=lambda: [("silver",), ("ops",)])

    def _exists(self, name: str) -> bool:
        self.asked.append(name)
        return name == "silver.orders"


def test_a_table_is_asked_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = [("gold", "dim_customer"), ("ops", "runs"), ("silver", "orders")]
    made: list[tuple[str, str]] = []
    monkeypatch.setattr(backend, "list_tables", lambda settings: list(there))
    monkeypatch.setattr(backend, "register_tables", lambda spark, settings, new: made.extend(new))
    session, settings = Catalogue(), load_settings(home=tmp_path)
    known = backend._register_layers(session, settings, set())  # type: ignore[arg-type]
    assert made == [("ops", "runs")]
    assert known == {("ops", "runs"), ("silver", "orders")}
    session.asked.clear()
    known |= backend._register_layers(session, settings, known)  # type: ignore[arg-type]
    assert session.asked == []
    there.append(("ops", "loads"))
    known |= backend._register_layers(session, settings, known)  # type: ignore[arg-type]
    assert made == [("ops", "runs"), ("ops", "loads")]
    assert session.asked == ["show schemas", "ops.loads"]
