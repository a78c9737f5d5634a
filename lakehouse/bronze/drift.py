"""A batch against the batches before it: what moved, by how much, and a sentence about it with what to do.

Little is decided here: each finding carries a figure, and `expectations/bronze/drift.yml` says from which figure on
it is an error or a warning; only what is plainly usual makes no finding (`_FLOORS`). Figures are robust (medians, and
the median absolute deviation as the spread), so that one odd batch among the earlier ones neither hides nor causes a
finding; where a spread is asked for, three earlier batches are the least from which one can be told.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from lakehouse.bronze.profiles import BatchProfile, ColumnProfile
from lakehouse.bronze.roles import Roles
from lakehouse.bronze.shapes import INTEGER

FEWEST_BATCHES = 3
FEWEST_VALUES = 20
FEWEST_EARLIER_VALUES = 50
"""Of a kind that 5 % of all values have, 50 values show none in 8 files of 100; the rules ask for more than that."""
_NEVER = 0.01
_FLOORS = {"kind": 0.05, "format_turned": 0.5, "garbled": 0.05, "level": 0.5, "shape_mix": 0.2, "freshness": 1.0}
"""Check -> the least value that is written down; rules in the suite can ask for more, not for less."""
_NULLS_FLOOR = 0.1
_ROWS_USUAL = (0.5, 2.0)
_HIGH_COUNTS = 0.2
"""A sale moves the 90th percentile of prices and discounts several times as far as anything else moves the others."""
_MAD_TO_SIGMA = 1.4826
_ROWS_SPREAD = 0.15
"""Least spread of log10(rows): files of equal length do not make one of half the length strange."""
_NAMED = 3
CORRECT = "correct the file in place and run again"


@dataclass(frozen=True)
class Finding:
    """One thing that moved.

    `value` is what the rules judge, `usual` what was before, `deviation` the distance in spreads of the earlier
    batches (0 where none is told).
    """

    column: str
    check: str
    value: float
    usual: float
    deviation: float
    sentence: str


def compare(batch: BatchProfile, earlier: Sequence[BatchProfile], roles: Roles) -> list[Finding]:
    """What is different in a batch.

    Args:
        earlier: current batches of the same source, entity and path, in the order of landing.
    """
    found = [*_rows(batch, earlier), *_encoding(batch, earlier), *_freshness(batch, earlier, roles)]
    found += _columns(batch, earlier, roles)
    for name, column in batch.columns.items():
        before = [b for b in earlier if name in b.columns]
        columns = [b.columns[name] for b in before]
        say = _Say(batch.file, column.name)
        for judge in (_turn, _garbled):
            found += judge(say, column)
        for judge_with in (_kind, _leading_zeros, _day_and_month, _category, _shape_mix):
            found += judge_with(say, column, columns)
        found += _null_share(say, column, batch.landed, [(b.columns[name].null_count, b.landed) for b in before])
        if name in roles.amounts:
            found += _level(say, column, columns)
    kinds = {finding.column for finding in found if finding.check == "kind"}
    return [
        finding
        for finding in found
        if finding.value >= _FLOORS.get(finding.check, 0.0)
        and not (finding.check in ("shape_mix", "category") and finding.column in kinds)
    ]


@dataclass(frozen=True)
class _Say:
    file: str
    column: str

    def finding(self, check: str, value: float, usual: float, deviation: float, said: str) -> list[Finding]:
        sentence = f"{self.file}: column `{self.column}` {said}"
        return [Finding(self.column, check, value, usual, deviation, sentence)]


def _rows(batch: BatchProfile, earlier: Sequence[BatchProfile]) -> list[Finding]:
    usual = median(b.rows for b in earlier) if len(earlier) >= FEWEST_BATCHES else 0
    if usual == 0:
        return []
    logs = [math.log10(max(b.rows, 0.5)) for b in earlier]
    distance = abs(math.log10(max(batch.rows, 0.5)) - median(logs)) / max(_spread(logs), _ROWS_SPREAD)
    ratio = batch.rows / usual
    if _ROWS_USUAL[0] < ratio < _ROWS_USUAL[1]:
        return []
    what = f"{_times(usual / max(batch.rows, 0.5))} fewer" if ratio < 1 else f"{_times(ratio)} more"
    sentence = (
        f"{batch.file}: {_count(batch.rows)} rows are {what} than usual ({_count(usual)}); "
        f"ask for the whole file and {CORRECT}"
    )
    return [Finding("", "rows", ratio, usual, distance, sentence)]


def _encoding(batch: BatchProfile, earlier: Sequence[BatchProfile]) -> list[Finding]:
    known = [b.encoding for b in earlier if b.encoding]
    if not known or not batch.encoding:
        return []
    found = []
    if batch.encoding not in known:
        sentence = (
            f"{batch.file}: is {batch.encoding}, earlier files are {known[-1]}; it was read as such, "
            f"nothing to do if that is meant"
        )
        found.append(Finding("", "encoding", 1.0, 0.0, 0.0, sentence))
    usual = median(b.undecodable_share for b in earlier)
    if batch.undecodable_share > usual:
        likely = f" but seem to be {batch.encoding_guess}" if batch.encoding_guess else ""
        sentence = (
            f"{batch.file}: {batch.undecodable_share:.0%} of its lines are not {batch.encoding} like earlier files"
            f"{likely}, and stand in bronze.quarantine; convert it to {batch.encoding} in place and run again"
        )
        found.append(Finding("", "undecodable", batch.undecodable_share, usual, 0.0, sentence))
    return found


def _freshness(batch: BatchProfile, earlier: Sequence[BatchProfile], roles: Roles) -> list[Finding]:
    """How much older a batch's newest time is than usual; batches of one landing count once, by their newest."""
    found = []
    for name in roles.happened & batch.columns.keys():
        column = batch.columns[name]
        lags: dict[str, float] = {}
        for b in earlier:
            newest = b.columns[name].newest_at if name in b.columns else None
            if newest is not None and b.run_id != batch.run_id:
                lags[b.run_id] = min(_days(b.loaded_at - newest), lags.get(b.run_id, math.inf))
        if column.newest_at is None or len(lags) < FEWEST_BATCHES:
            continue
        usual, lag = median(lags.values()), _days(batch.loaded_at - column.newest_at)
        if lag > usual:
            said = (
                f"ends at {column.newest_at:%Y-%m-%d %H:%M}, {lag:.1f} days before it was landed, where "
                f"{usual:.1f} days are usual; ask the exporter whether data stopped coming"
            )
            distance = (lag - usual) / max(_spread(lags.values()), 0.1)
            found += _Say(batch.file, column.name).finding("freshness", lag - usual, usual, distance, said)
    return found


def _columns(batch: BatchProfile, earlier: Sequence[BatchProfile], roles: Roles) -> list[Finding]:
    """Columns that no earlier batch had, and unmapped ones that the batch before had (of mapped ones see layouts)."""
    if not earlier:
        return []
    known = frozenset[str]().union(*(b.layout for b in earlier))
    found = []
    for name in (name for name in batch.columns if name not in known):
        say = _Say(batch.file, batch.columns[name].name)
        said = "is new; it is kept in bronze, map it in the source file (columns or attributes) to use it"
        found += say.finding("column_added", 1.0, 0.0, 0.0, said)
    if not any(b.layout <= batch.layout for b in earlier) and not batch.is_sparse:
        like = max(earlier, key=lambda b: (len(b.layout & batch.layout), b.loaded_at))
        for name in (n for n in like.columns if n not in batch.columns and n not in roles.all_mapped):
            said = "is gone; nothing is made of it, so nothing to do unless you query it in bronze"
            found += _Say(batch.file, like.columns[name].name).finding("column_gone", 1.0, 0.0, 0.0, said)
    return found


def _turn(say: _Say, column: ColumnProfile) -> list[Finding]:
    turn = column.turn
    if turn.strength == 0:
        return []
    said = (
        f"turns from {turn.before} to {turn.after} at about row {_count(turn.row)}; one format reads the other "
        f"wrongly or not at all: have it written in one and {CORRECT}"
    )
    return say.finding("format_turned", turn.strength, 0.0, 0.0, said)


def _garbled(say: _Say, column: ColumnProfile) -> list[Finding]:
    if column.garbled_of < 10 or column.garbled_share == 0:
        return []
    said = (
        f"is garbled in {column.garbled_share:.0%} of its values beyond ASCII, as if read in the wrong encoding; "
        f"correct `encoding:` in the source file, or have it exported as UTF-8, and run again"
    )
    return say.finding("garbled", column.garbled_share, 0.0, 0.0, said)


def _kind(say: _Say, column: ColumnProfile, earlier: Sequence[ColumnProfile]) -> list[Finding]:
    """The share of values of kinds that the column (nearly) never had."""
    before = sum(c.sampled for c in earlier)
    if column.sampled < FEWEST_VALUES or before < FEWEST_EARLIER_VALUES:
        return []
    had = _pooled(earlier, lambda c: c.kinds)
    new = {kind: share for kind, share in column.kinds.items() if had.get(kind, 0.0) < _NEVER}
    if not new:
        return []
    most, usual = max(new, key=new.__getitem__), max(had, key=had.__getitem__)
    share = sum(new.values())
    said = (
        f"holds {most} in {new[most]:.0%} of its values where earlier files hold {usual}; "
        f"have it written as before and {CORRECT}"
    )
    return say.finding("kind", share, had.get(most, 0.0), 0.0, said)


def _leading_zeros(say: _Say, column: ColumnProfile, earlier: Sequence[ColumnProfile]) -> list[Finding]:
    before = sum(c.sampled for c in earlier)
    if not before or column.zero_led_share > 0 or column.kinds.get(INTEGER, 0.0) < 0.5:
        return []
    had = sum(c.zero_led_share * c.sampled for c in earlier) / before
    if had * column.sampled < FEWEST_VALUES:
        return []
    said = (
        f"has lost its leading zeros: {had:.0%} of earlier values begin with 0, none of these; "
        f"have it exported as text and {CORRECT}"
    )
    return say.finding("leading_zeros", had, had, 0.0, said)


def _day_and_month(say: _Say, column: ColumnProfile, earlier: Sequence[ColumnProfile]) -> list[Finding]:
    """The share of dates that can only be m/d where earlier ones can only be d/m, or the other way round."""
    day, month = sum(c.day_first for c in earlier), sum(c.month_first for c in earlier)
    if max(day, month) < 5 or min(day, month) > 0.02 * (day + month):
        return []
    was, now = ("d/m", "m/d") if day > month else ("m/d", "d/m")
    against = column.month_first if day > month else column.day_first
    share = against / max(1, column.day_first + column.month_first)
    if against < 5:
        return []
    said = (
        f"is {now} where earlier files are {was} ({share:.0%} of the dates that show it), so days and months would be "
        f"swapped; have it written as before and {CORRECT}"
    )
    return say.finding("day_and_month", share, 0.0, 0.0, said)


def _category(say: _Say, column: ColumnProfile, earlier: Sequence[ColumnProfile]) -> list[Finding]:
    """Values never seen in a column whose earlier batches brought none either: a closed list."""
    if len(earlier) < FEWEST_BATCHES or not all(c.is_category for c in earlier):
        return []
    seen: set[str] = set()
    brought_new = -1  # the first batch brings all of its values
    for before in earlier:
        brought_new += not (before.values or {}).keys() <= seen
        seen |= (before.values or {}).keys()
    filled = max(1, sum((column.values or {}).values()))
    new = {value: count for value, count in (column.values or {}).items() if value not in seen}
    if brought_new > 0.1 * (len(earlier) - 1) or not new:
        return []
    rows = sum(new.values())
    listed = ", ".join(f"`{value}`" for value in sorted(new, key=lambda value: (-new[value], value)))
    if len(new) > _NAMED:  # so many are no new category but other content, which may be private
        listed = f"{len(new)} of them"
    said = (
        f"has values never seen before: {listed} ({_count(rows)} row{'' if rows == 1 else 's'}); if the mapping lists "
        f"the values, add them there, else have them corrected"
    )
    return say.finding("category", rows / filled, 0.0, float(rows), said)


def _null_share(say: _Say, column: ColumnProfile, rows: int, earlier: Sequence[tuple[int, int]]) -> list[Finding]:
    shares = [nulls / of for nulls, of in earlier if of >= FEWEST_VALUES]
    if len(shares) < FEWEST_BATCHES or rows < FEWEST_VALUES:
        return []
    share, usual = column.null_count / rows, median(shares)
    chance = math.sqrt(max(usual * (1 - usual), 0.0) / rows)
    distance = abs(share - usual) / max(_spread(shares), chance, 0.01)
    if abs(share - usual) < _NULLS_FLOOR:
        return []
    said = f"is empty in {share:.0%} of the rows where {usual:.0%} is usual; ask the exporter, {CORRECT} if it is wrong"
    return say.finding("null_share", share, usual, distance, said)


def _level(say: _Say, column: ColumnProfile, earlier: Sequence[ColumnProfile]) -> list[Finding]:
    """How far the 10th, 50th or 90th percentile moved, in widths of the usual range between the outer two.

    Of the 90th a fifth counts.
    """
    known = [c for c in earlier if c.middle is not None and c.sampled >= FEWEST_VALUES]
    if len(known) < FEWEST_BATCHES or column.middle is None or column.sampled < FEWEST_VALUES:
        return []
    width = max(median(_width(c) for c in known), 0.5 * abs(median(c.middle or 0.0 for c in known)), 1e-9)
    moved: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    for of, weight in ((_low, 1.0), (_middle, 1.0), (_high, _HIGH_COUNTS)):
        values = [of(c) for c in known]
        usual, now = median(values), of(column)
        shift = weight * abs(now - usual)
        moved = max(moved, (shift / width, shift / max(_spread(values), 0.1 * width), usual, now))
    low, middle, high = (median(of(c) for c in known) for of in (_low, _middle, _high))
    said = (
        f"lies at {column.low:.6g}, {column.middle:.6g}, {column.high:.6g} (10th, 50th, 90th percentile) where "
        f"{low:.6g}, {middle:.6g}, {high:.6g} is usual; ask the exporter whether its unit changed"
    )
    return say.finding("level", moved[0], moved[2], moved[1], said)


def _shape_mix(say: _Say, column: ColumnProfile, earlier: Sequence[ColumnProfile]) -> list[Finding]:
    """Half the sum of the differences of the shapes' shares (total variation distance), 0..1."""
    known = [c for c in earlier if c.sampled >= FEWEST_EARLIER_VALUES]
    if len(known) < FEWEST_BATCHES or column.sampled < FEWEST_EARLIER_VALUES:
        return []
    usual = _pooled(known, lambda c: c.shapes)
    distance = total_variation(column.shapes, usual)
    natural = max(total_variation(c.shapes, usual) for c in known)
    gained = max(column.shapes, key=lambda shape: column.shapes[shape] - usual.get(shape, 0.0))
    said = (
        f"looks different: {column.shapes[gained]:.0%} of its values have the shape {gained} where "
        f"{usual.get(gained, 0.0):.0%} is usual; look at it in bronze and ask the exporter"
    )
    return say.finding("shape_mix", distance, natural, distance / max(natural, 0.05), said)


def total_variation(first: dict[str, float], second: dict[str, float]) -> float:
    """Half the sum of the differences of two lists of shares: 0 where they are equal, 1 where nothing is common."""
    return sum(abs(first.get(name, 0.0) - second.get(name, 0.0)) for name in first.keys() | second.keys()) / 2


def _pooled(columns: Sequence[ColumnProfile], shares: Callable[[ColumnProfile], dict[str, float]]) -> dict[str, float]:
    """Shares of all sampled values of the columns together."""
    total = max(1, sum(c.sampled for c in columns))
    names = dict.fromkeys(name for c in columns for name in shares(c))
    return {name: sum(shares(c).get(name, 0.0) * c.sampled for c in columns) / total for name in names}


def _spread(values: Iterable[float]) -> float:
    """The standard deviation that the median absolute deviation stands for in a normal distribution."""
    listed = list(values)
    centre = median(listed)
    return _MAD_TO_SIGMA * median(abs(value - centre) for value in listed)


def _low(column: ColumnProfile) -> float:
    return column.low or 0.0


def _middle(column: ColumnProfile) -> float:
    return column.middle or 0.0


def _high(column: ColumnProfile) -> float:
    return column.high or 0.0


def _width(column: ColumnProfile) -> float:
    return _high(column) - _low(column)


def _days(span: timedelta) -> float:
    return span / timedelta(days=1)


def _times(ratio: float) -> str:
    return f"{ratio:,.0f} times" if ratio >= 10 else f"{ratio:.1f} times"


def _count(number: float) -> str:
    return f"{number:,.0f}"
