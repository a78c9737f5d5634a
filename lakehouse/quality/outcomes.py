"""What a rule found."""

from __future__ import annotations

from dataclasses import dataclass

from lakehouse.quality.suites import Rule

SAMPLE_SIZE = 5
"""Keys of failing rows that are shown, at most."""


@dataclass(frozen=True)
class RuleOutcome:
    """What a rule found: rows judged, rows failing, and where it failed up to five keys as text."""

    rule: Rule
    table: str
    passed: bool
    element_count: int
    unexpected_count: int
    observed: str = ""
    sample_keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class Counts:
    """The numbers that Great Expectations' verdict about rows is made from.

    `rows` judged, `unexpected` among them, `nulls` of the judged column (0 for a rule about whole rows).
    """

    rows: int
    unexpected: int
    nulls: int = 0


@dataclass(frozen=True)
class FailingRows:
    """Keys of rows that fail as `column=value, …`, and the number of such rows if counted."""

    keys: list[str]
    row_count: int | None = None
