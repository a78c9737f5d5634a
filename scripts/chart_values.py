"""The table of values in the chart's README, from the comments of values.yaml: printed, or with --write put there."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

CHART = Path(__file__).resolve().parent.parent / "helm" / "lakehouse"
BEGIN, END = "<!-- values: made by scripts/chart_values.py -->", "<!-- end of values -->"


class Value(NamedTuple):
    """A value of the chart, as `storage.hdfs.replication`, with its default and the sentence above it."""

    path: tuple[str, ...]
    default: Any
    sentence: str


def documented_values(text: str) -> list[Value]:
    """Each value of values.yaml in its order; a key with a comment is a value, one without is a group of values.

    Raises:
        ValueError: a value has no comment, or one of several lines.
    """
    lines = text.splitlines()
    return list(_values((), yaml.compose(text), yaml.safe_load(text), lines))


def _values(path: tuple[str, ...], node: Any, defaults: Any, lines: list[str]) -> Iterator[Value]:
    for key, value in node.value:
        name, line = (*path, key.value), key.start_mark.line
        above = lines[line - 1].strip() if line else ""
        if above.startswith("#"):
            if lines[line - 2].strip().startswith("#"):
                raise ValueError(f"{'.'.join(name)}: one sentence on one line")
            yield Value(name, defaults[key.value], above.removeprefix("#").strip())
        elif isinstance(value, yaml.MappingNode) and value.value:
            yield from _values(name, value, defaults[key.value], lines)
        else:
            raise ValueError(f"{'.'.join(name)} has no comment above it")


def table(values: list[Value]) -> str:
    """The values as a Markdown table."""
    rows = [f"| `{'.'.join(one.path)}` | `{json.dumps(one.default)}` | {one.sentence} |" for one in values]
    return "\n".join(["| value | default | what it is |", "|---|---|---|", *rows])


def with_table(readme: str, text: str) -> str:
    """The README with the table of these values."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table(documented_values(text))}\n{END}{after}"


if __name__ == "__main__":
    values_text = (CHART / "values.yaml").read_text()
    if sys.argv[1:] == ["--write"]:
        readme_path = CHART / "README.md"
        readme_path.write_text(with_table(readme_path.read_text(), values_text))
    else:
        print(table(documented_values(values_text)))
