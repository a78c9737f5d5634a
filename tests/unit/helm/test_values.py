"""values.yaml, values.schema.json and the README's table say the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scripts.chart_values import CHART, documented_values, with_table

VALUES = (CHART / "values.yaml").read_text()
SCHEMA = json.loads((CHART / "values.schema.json").read_text())


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        found: dict[str, Any] = SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]]
        return found
    return schema


def paths(schema: dict[str, Any], above: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """The values that a schema knows; what may have any key, or is a pod's resources, is one value."""
    properties = resolved(schema).get("properties")
    if not properties or above[-1:] == ("resources",):
        return {above}
    return {path for name, inner in properties.items() for path in paths(inner, (*above, name))}


def test_the_schema_knows_every_value_and_no_other() -> None:
    assert paths(SCHEMA) - {("global",)} == {value.path for value in documented_values(VALUES)}


def test_every_value_has_a_sentence() -> None:
    for value in documented_values(VALUES):
        assert value.sentence[0].isupper(), value
        assert value.sentence.endswith("."), value


def test_a_value_without_a_sentence_is_noticed() -> None:
    with pytest.raises(ValueError, match=r"run\.engine has no comment"):
        documented_values("run:\n  engine: spark\n")


def test_the_readme_has_the_table_of_these_values() -> None:
    readme = (CHART / "README.md").read_text()
    assert readme == with_table(readme, VALUES), "run: python scripts/chart_values.py --write"
