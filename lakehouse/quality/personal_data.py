"""What may be shown of the rows behind a verdict: keys and numbers, never what a column says of a person."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from lakehouse.privacy.classes import hidden_columns

# The parts of a Great Expectations result that are counts and shares.
COUNTS = (
    "element_count",
    "unexpected_count",
    "unexpected_percent",
    "unexpected_percent_total",
    "unexpected_percent_nonmissing",
    "missing_count",
    "missing_percent",
)
# Spark's complaints about a rule's text; any other may quote a value ("The value 'ann@…' cannot be cast").
ABOUT_THE_RULE = re.compile(
    r"\[(UNRESOLVED_|PARSE_|DATATYPE_MISMATCH|WRONG_NUM_ARGS|TABLE_OR_VIEW_NOT_FOUND|MISSING_|UNSUPPORTED_|INVALID_EXTRACT)"
)
NO_SUCH_COLUMN = re.compile(r'Error: The column "\w+" in BatchData does not exist')


def without_values(result: Mapping[str, Any], about: str | None) -> dict[str, Any]:
    """A rule's result with its counts, and its observed value where that is a number about no personal column.

    Args:
        about: the column or columns that the rule judges, joined by commas; None for a rule about rows.
    """
    kept = {name: result[name] for name in COUNTS if name in result}
    observed = result.get("observed_value")
    is_number = isinstance(observed, (int, float, Decimal)) and not isinstance(observed, bool)
    if is_number and not hidden_columns() & set((about or "").split(", ")):
        kept["observed_value"] = observed
    return kept


def plain_message(message: str) -> str:
    """The first line of an exception if it is about the rule, its class alone if it may quote a row."""
    first = message.splitlines()[0] if message else ""
    if ABOUT_THE_RULE.search(first) or NO_SUCH_COLUMN.match(first):
        return first
    named = re.search(r"\[([A-Z][A-Z_.]+)\]", message)
    what = named.group(1) if named else "an error while its rows were read"
    return f"{what} (the message may quote rows, it is in logs/spark.log)"
