"""What a batch looks like, column by column: from a tally, into `ops.batch_profiles` and back."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.bronze import shapes
from lakehouse.bronze.csv_lines import Ints
from lakehouse.bronze.garbling import is_garbled
from lakehouse.bronze.tallies import Tally

_SHAPES_KEPT = 12
_TEXTS_JUDGED = 200
_VALUES_PER_CATEGORY = 5
_LONGEST_CATEGORY = 60
_FEWEST_BESIDE_A_TURN = 10
_EPOCHS = {10: 1, 13: 1000}
_TWO_DIGITS = re.compile(r"9999-99-99")
_SPACED = operator.methodcaller("replace", "T", " ")
T = TypeVar("T")
_NUMERALS = re.compile(r"\d+")
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Turn:
    """Where a column of times changes its format: `strength` is the change of the first format's share, 0..1."""

    strength: float = 0.0
    row: int = 0
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class ColumnProfile:
    """One column of one batch; shares are of the `sampled` values (without nulls) unless said otherwise.

    `values` are all distinct values with their rows, None if there are more than 64 or if they are personal.
    `is_category`: they are few, of text, and repeat. `kinds` and `shapes` are shares. `garbled_share` is of
    `garbled_of` distinct values beyond ASCII. `day_first` and `month_first` count dates that can only be d/m or m/d.
    """

    name: str
    position: int
    null_count: int
    distinct_count: int | None = None
    values: dict[str, int] | None = None
    is_category: bool = False
    sampled: int = 0
    kinds: dict[str, float] = field(default_factory=dict)
    shapes: dict[str, float] = field(default_factory=dict)
    zero_led_share: float = 0.0
    garbled_share: float = 0.0
    garbled_of: int = 0
    day_first: int = 0
    month_first: int = 0
    turn: Turn = Turn()
    newest_at: datetime | None = None
    min_value: str | None = None
    max_value: str | None = None
    mean: float | None = None
    low: float | None = None
    middle: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class BatchProfile:
    """One batch; columns by lower-case name. `rows` were met, of which `undecodable_share` are no text in `encoding`.

    `encoding_guess` is what those lines seem to be written in; `is_sparse`: a record names only the columns that it
    has (JSON), so that a column may be absent by chance.
    """

    batch_id: str
    file: str
    path: str
    run_id: str
    loaded_at: datetime
    rows: int
    landed: int
    encoding: str
    undecodable_share: float
    columns: dict[str, ColumnProfile]
    encoding_guess: str | None = None
    is_sparse: bool = False

    @property
    def layout(self) -> frozenset[str]:
        """The names of its columns, in lower case."""
        return frozenset(self.columns)


def profile_columns(tally: Tally, personal: Collection[str] = ()) -> dict[str, ColumnProfile]:
    """The columns of a tally, by lower-case name, in their order.

    Args:
        personal: lower-case names of columns of which no value may be kept.
    """
    return {
        name.lower(): _column(name, place, tally, name.lower() in personal) for place, name in enumerate(tally.nulls)
    }


def _column(name: str, position: int, tally: Tally, is_personal: bool) -> ColumnProfile:
    column = tally.sample[name]
    is_there = column.is_valid().to_numpy(zero_copy_only=False)
    values, numbers = column.drop_null(), tally.numbers[is_there]
    few = tally.values[name]
    null_count = tally.nulls[name]
    if len(values) == 0:
        distinct_count = None if few is None else len(few)
        return ColumnProfile(name, position, null_count, distinct_count, None if is_personal else few)
    order = np.argsort(numbers, kind="stable")
    if (order[1:] < order[:-1]).any():  # records of several lines stand at the end of their block
        values, numbers = values.take(pa.array(order)), numbers[order]
    distinct, which = shapes.by_shape(values)
    kinds_of = [shapes.kind_of(shape) for shape in distinct]
    kinds = _shares(kinds_of, which)
    text_share = kinds.get(shapes.TEXT, 0.0)
    filled = tally.rows - null_count
    repeats = few is not None and filled >= _VALUES_PER_CATEGORY * len(few)
    is_short = few is not None and max(map(len, few), default=0) <= _LONGEST_CATEGORY
    garbled_share, garbled_of = _garbled(values) if text_share > 0 else (0.0, 0)
    day_first, month_first = _which_first(values, kinds_of, which)
    found: dict[str, Any] = {}
    if not is_personal:
        found = _numbers(values, kinds_of, which) | _times(values, kinds_of, which)
    return ColumnProfile(
        name=name,
        position=position,
        null_count=null_count,
        distinct_count=None if few is None else len(few),
        values=None if is_personal else few,
        is_category=bool(not is_personal and text_share >= 0.5 and repeats and is_short),
        sampled=len(values),
        kinds=kinds,
        shapes=_most(_shares([shapes.coarse(shape) for shape in distinct], which)),
        zero_led_share=_zero_led(values) if kinds.get(shapes.INTEGER) else 0.0,
        garbled_share=garbled_share,
        garbled_of=garbled_of,
        day_first=int(day_first.sum()),
        month_first=int(month_first.sum()),
        turn=_turn(numbers, kinds_of, which, day_first, month_first),
        **found,
    )


def _shares(labels: list[str], which: Ints) -> dict[str, float]:
    """Label -> share of the values, the most frequent first; several distinct shapes may have one label."""
    counts = np.bincount(which, minlength=len(labels))
    summed: dict[str, int] = {}
    for label, count in zip(labels, counts.tolist()):
        summed[label] = summed.get(label, 0) + count
    return {label: count / len(which) for label, count in sorted(summed.items(), key=lambda item: (-item[1], item[0]))}


def _most(shares: dict[str, float]) -> dict[str, float]:
    kept = dict(list(shares.items())[:_SHAPES_KEPT])
    return kept if len(kept) == len(shares) else {**kept, "…": sum(shares.values()) - sum(kept.values())}


def _zero_led(values: pa.Array) -> float:
    """Share of values that are whole numbers with a zero in front, as 007."""
    return float(pc.mean(pc.match_substring_regex(values, r"^\s*[-+]?0\d+\s*$").cast(pa.float64())).as_py())


def _garbled(values: pa.Array) -> tuple[float, int]:
    foreign = values.filter(pc.invert(pc.string_is_ascii(values))).unique()
    judged = foreign.slice(0, _TEXTS_JUDGED).to_pylist()
    return (sum(map(is_garbled, judged)) / len(judged), len(judged)) if judged else (0.0, 0)


def _of_kind(wanted: list[bool], which: Ints) -> Flags:
    return np.array(wanted, np.bool_)[which]


def _which_first(values: pa.Array, kinds: list[str], which: Ints) -> tuple[Flags, Flags]:
    """Dates that must be d/m (their first number is above 12), and dates that must be m/d."""
    day_first, month_first = np.zeros(len(which), np.bool_), np.zeros(len(which), np.bool_)
    flags = _of_kind([shapes.is_day_or_month_first(kind) for kind in kinds], which)
    if flags.any():
        parts = pc.extract_regex(values.filter(pa.array(flags)), r"^\s*(?P<a>\d{1,2})[-/.](?P<b>\d{1,2})[-/.]")
        first, second = (
            parts.field(n).cast(pa.int64()).to_numpy(zero_copy_only=False) for n in range(2)
        )  # fmt: skip
        day_first[flags], month_first[flags] = (first > 12) & (second <= 12), (second > 12) & (first <= 12)
    return day_first, month_first


def _turn(numbers: Ints, kinds: list[str], which: Ints, day_first: Flags, month_first: Flags) -> Turn:
    """The place where the format of a column of times changes most; no turn where formats are merely mixed.

    Of dates that may be d/m or m/d only those that show which of the two are looked at.
    """
    is_time = [shapes.is_time(kind) for kind in kinds]
    if _of_kind(is_time, which).mean() < 0.2:
        return Turn()
    labels = {kind: place for place, kind in enumerate(dict.fromkeys(kinds))}
    codes = np.array([labels[kind] for kind in kinds])[which]
    best = _split(numbers, codes, list(labels))
    if best.strength < 0.5 and day_first.any() and month_first.any():
        shown = day_first | month_first
        best = _split(numbers[shown], month_first[shown].astype(np.int64), ["d/m", "m/d"])
    return best


def _split(numbers: Ints, codes: Ints, names: list[str]) -> Turn:
    """Where the share of the first half's most frequent code changes most, ten values or more on both sides."""
    count, least = len(codes), _FEWEST_BESIDE_A_TURN
    if count < 2 * least or (codes == codes[0]).all():
        return Turn()
    best = Turn()
    for code in np.unique(codes[:least]).tolist():
        hits = np.cumsum(codes == code)
        before = np.arange(least, count - least + 1)
        change = hits[before - 1] / before - (hits[-1] - hits[before - 1]) / (count - before)
        place = int(np.argmax(change))
        if change[place] > best.strength:
            cut = int(before[place])
            after = np.bincount(codes[cut:], minlength=len(names))
            best = Turn(float(change[place]), int(numbers[cut]), names[code], names[int(after.argmax())])
    return best


def _numbers(values: pa.Array, kinds: list[str], which: Ints) -> dict[str, Any]:
    """Mean and quantiles of a column that nearly only holds numbers; one too large for a double is left out."""
    flags = _of_kind([kind in shapes.NUMBERS for kind in kinds], which)
    if flags.mean() < 0.9:
        return {}
    texts = pc.utf8_trim_whitespace(values.filter(pa.array(flags)))
    found = pc.replace_substring_regex(texts, r"^\+", "").cast(pa.float64()).to_numpy(zero_copy_only=False)
    found = found[np.isfinite(found)]
    if not len(found):
        return {}
    low, middle, high = (float(q) for q in np.quantile(found, [0.1, 0.5, 0.9]))
    said: dict[str, Any] = {"mean": float(found.mean()), "low": low, "middle": middle, "high": high}
    said |= {"min_value": f"{found.min():.15g}", "max_value": f"{found.max():.15g}"}
    for digits, per_second in _EPOCHS.items():
        if found.min() >= 10 ** (digits - 1) and found.max() < 2.2 * 10 ** (digits - 1) and flags.all():
            said["newest_at"] = datetime.fromtimestamp(float(found.max()) / per_second, timezone.utc)
    return said


def _times(values: pa.Array, kinds: list[str], which: Ints) -> dict[str, Any]:
    """Oldest and newest text of a column that is mostly times in numbers, and its newest time but for outliers.

    `newest_at` is the 99th percentile: a mistyped year or two must not make a batch look fresh for ever.
    """
    year_first = _of_kind([shapes.is_year_first(kind) for kind in kinds], which)
    year_last = _of_kind([shapes.is_day_or_month_first(kind) for kind in kinds], which)
    flags = year_first if year_first.sum() >= year_last.sum() else year_last
    if flags.mean() < 0.5:
        return {}
    texts = values.filter(pa.array(flags)).to_pylist()
    if flags is year_first and all(_sorts_by_text(kind) for kind in {kinds[n] for n in np.unique(which[flags])}):
        texts.sort(key=_SPACED)
        newest_at = _moment(_NUMERALS.findall(_newest(texts)))
        return {"min_value": texts[0], "max_value": texts[-1], "newest_at": newest_at}
    parts = [_NUMERALS.findall(text) for text in texts]
    if flags is year_last:
        month_first = sum(int(part[1]) > 12 for part in parts) > sum(int(part[0]) > 12 for part in parts)
        parts = [_year_to_the_front(part, month_first) for part in parts]
    moments = [(moment, text) for part, text in zip(parts, texts) if (moment := _moment(part)) is not None]
    if not moments:
        return {}
    moments.sort()
    return {"min_value": moments[0][1], "max_value": moments[-1][1], "newest_at": _newest(moments)[0]}


def _newest(ordered: list[T]) -> T:
    return ordered[max(0, math.ceil(0.99 * len(ordered)) - 1)]


def _sorts_by_text(kind: str) -> bool:
    """Month and day have two digits, so that sorting the text sorts the times."""
    return bool(_TWO_DIGITS.match(kind))


def _year_to_the_front(part: list[str], month_first: bool) -> list[str]:
    day, month, year, *rest = part
    return [year if len(year) == 4 else f"20{year}", *((day, month) if month_first else (month, day)), *rest]


def _moment(parts: list[str]) -> datetime | None:
    """Year, month, day, and hour, minute and second where there are any, taken as UTC; None if there is no such."""
    try:
        return datetime(*(int(part) for part in parts[:6]), tzinfo=timezone.utc)  # type: ignore[arg-type, misc]
    except ValueError:
        return None


def as_rows(batch: BatchProfile, source: str, entity: str, known_since: Mapping[str, datetime]) -> list[dict[str, Any]]:
    """The rows of `ops.batch_profiles`, one per column.

    Args:
        known_since: lower-case name -> when the first batch with that column was landed.
    """
    return [
        {
            "source": source,
            "entity": entity,
            "path": batch.path,
            "file": batch.file,
            "batch_id": batch.batch_id,
            "run_id": batch.run_id,
            "column_name": column.name,
            "position": column.position,
            "known_since": known_since.get(name, batch.loaded_at),
            "row_count": batch.rows,
            "landed_count": batch.landed,
            "encoding": batch.encoding,
            "undecodable_share": batch.undecodable_share,
            "null_count": column.null_count,
            "distinct_count": column.distinct_count,
            "sampled_count": column.sampled,
            "category_counts": column.values if column.is_category else {},
            "kind_shares": column.kinds,
            "shape_shares": column.shapes,
            "zero_led_share": column.zero_led_share,
            "garbled_share": column.garbled_share,
            "day_first_count": column.day_first,
            "month_first_count": column.month_first,
            "newest_at": column.newest_at,
            "min_value": column.min_value,
            "max_value": column.max_value,
            "mean_value": column.mean,
            "p10_value": column.low,
            "p50_value": column.middle,
            "p90_value": column.high,
            "loaded_at": batch.loaded_at,
        }
        for name, column in batch.columns.items()
    ]


def from_rows(rows: list[dict[str, Any]]) -> BatchProfile:
    """A batch from its rows of `ops.batch_profiles`."""
    first = rows[0]
    columns = {
        row["column_name"].lower(): ColumnProfile(
            name=row["column_name"],
            position=row["position"],
            null_count=row["null_count"],
            distinct_count=row["distinct_count"],
            values=dict(row["category_counts"] or []) or None,
            is_category=bool(row["category_counts"]),
            sampled=row["sampled_count"],
            kinds=dict(row["kind_shares"] or []),
            shapes=dict(row["shape_shares"] or []),
            zero_led_share=row["zero_led_share"],
            garbled_share=row["garbled_share"],
            day_first=row["day_first_count"],
            month_first=row["month_first_count"],
            newest_at=row["newest_at"],
            mean=row["mean_value"],
            low=row["p10_value"],
            middle=row["p50_value"],
            high=row["p90_value"],
        )
        for row in sorted(rows, key=lambda row: row["position"])
    }
    return BatchProfile(
        **{name: first[name] for name in ("batch_id", "file", "path", "run_id", "loaded_at", "encoding")},
        rows=first["row_count"],
        landed=first["landed_count"],
        undecodable_share=first["undecodable_share"],
        columns=columns,
    )
