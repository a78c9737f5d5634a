"""Rules that look at the clock: a verdict on them may not outlive its day."""

from __future__ import annotations

import re

from lakehouse.quality.suites import Rule

CLOCK = re.compile(
    r"\b(?:now|curdate|current_(?:timestamp|date|timezone)|localtimestamp|unix_timestamp|rand|randn|random|uuid|shuffle)\b",
    re.IGNORECASE,
)
# True of a row now, true of it for ever.
EASED_BY_TIME = re.compile(
    r"\w+ <=? (?:current_timestamp\(\)(?: [+-] interval \d+ \w+)?|current_date\(\))"
    r"|\w+ between \d+ and year\(current_date\(\)\)"
)


def eases_by_time(rule: Rule) -> bool:
    """Whether a row that the rule takes now, it takes for ever."""
    return (
        rule.type == "expect_rows_to_satisfy"
        and rule.row_condition is None
        and EASED_BY_TIME.fullmatch(str(rule.kwargs["condition"]).strip()) is not None
    )
