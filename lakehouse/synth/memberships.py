"""`crm/memberships.csv`: memberships of one year, renewed or not.

joins      champions 90 %, loyal 70 %, occasional 30 %, new 25 %, dormant 30 %
renews     after each year with 0.95, 0.85, 0.55, 0.5, 0.2 as long as the customer is there
points     exp(N(5.5 + 0.5 tier, 0.5))
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from lakehouse.synth import writing
from lakehouse.synth.defects import Ledger
from lakehouse.synth.keys import customer_codes
from lakehouse.synth.population import Population
from lakehouse.synth.seasons import DAY_SECONDS, Calendar

JOIN_SHARES = np.array([0.90, 0.70, 0.30, 0.25, 0.30])  #: by segment
RENEW_SHARES = np.array([0.95, 0.85, 0.55, 0.50, 0.20])
TIERS = ("bronze", "silver", "gold", "platinum")
TIER_SHARES = np.array([[10, 25, 40, 25], [30, 40, 25, 5], [65, 28, 6, 1], [80, 18, 2, 0], [60, 30, 9, 1]])
MAX_YEARS = 8
HEADER = "cust_no,level,valid_from,valid_to,points"


def write_memberships(
    directory: Path, ledger: Ledger, rng: np.random.Generator, calendar: Calendar, population: Population
) -> int:
    """Write the memberships; returns their number."""
    n = population.customers
    segment = population.segment[:n]
    last_day = calendar.end_s // DAY_SECONDS - 1
    starts = population.registered_s[:n] // DAY_SECONDS + rng.integers(0, 120, n)
    is_in = (rng.random(n) < JOIN_SHARES[segment]) & ~population.is_silent[:n]
    tier = (np.cumsum(TIER_SHARES, axis=1)[segment] <= rng.random(n)[:, None] * 100).sum(axis=1)
    leaves = calendar.start_s // DAY_SECONDS + population.churn_day[:n]
    rows = []
    for year in range(MAX_YEARS):
        start = starts + 365 * year
        if year:
            is_in = is_in & (rng.random(n) < RENEW_SHARES[segment]) & (start <= leaves)
        is_in = is_in & (start <= last_day)
        rows.append(np.stack([np.flatnonzero(is_in), start[is_in], np.maximum(tier[is_in] - (year == 0), 0)], axis=1))
    table = np.concatenate(rows)
    table = table[np.lexsort((table[:, 1], table[:, 0]))].astype(np.int64)
    who, start, level = table[:, 0], table[:, 1], table[:, 2]
    points = np.round(np.exp(rng.normal(5.5 + 0.5 * level, 0.5))).astype(np.int64)

    codes, starts_on, point_text = customer_codes(who), writing.dates(start), writing.whole_numbers(points)
    blank = ledger.choose("memberships", len(who))["missing_value", "points"]
    keys = writing.joined(codes, "|", starts_on).take(pa.array(blank))
    file = "crm/memberships.csv"
    ledger.note("missing_value", "memberships", "points", file, blank + 1, keys, [""] * len(blank),
                point_text.take(pa.array(blank)))  # fmt: skip
    columns = [
        codes,
        writing.look_up(writing.texts(TIERS), level),
        starts_on,
        writing.dates(start + 365),
        writing.put(point_text, blank, [""] * len(blank)),
    ]
    writing.write_lines(directory / file, writing.delimited_lines(columns), HEADER)
    return len(who)
