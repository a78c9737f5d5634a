"""A rule's Spark SQL condition evaluated by Arrow, where Arrow is sure to say what Spark says.

What it takes is listed here and nothing else: columns, literals, comparisons, three-valued logic, sums of integers and
decimals, a few functions of text and time. Whatever could come out differently (a float that is not a number, upper
case beyond ASCII, an integer that overflows, a regular expression with more than character classes) is refused with
`NotForArrow`, and Spark is asked.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from lakehouse.builds import digest
from lakehouse.quality.clock import CLOCK

UTC = pa.timestamp("us", tz="UTC")
# Character classes, plain letters, repetitions, alternatives; Java and RE2 read these alike but for `$`, see below.
PLAIN_PATTERN = re.compile(r"\^?(?:(?:\[[A-Za-z0-9+-]+\]|[A-Za-z0-9|])(?:\{\d{1,3}(?:,\d{1,3})?\}|[?+*])?)+\$?")
JAVA_END = r"(?:\r\n|[\n\r\x{85}\x{2028}\x{2029}])?\z"  # Java's `$` also matches before a last line end
COMPARISONS: dict[type, Callable[[Any, Any], Any]] = {
    exp.EQ: pc.equal,
    exp.NEQ: pc.not_equal,
    exp.LT: pc.less,
    exp.LTE: pc.less_equal,
    exp.GT: pc.greater,
    exp.GTE: pc.greater_equal,
}
SUMS: dict[type, Callable[[Any, Any], Any]] = {
    exp.Add: pc.add_checked,
    exp.Sub: pc.subtract_checked,
    exp.Mul: pc.multiply_checked,
}
UNITS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86400}


class NotForArrow(Exception):
    """The condition, or these rows under it, are Spark's to judge."""


class ArrowCondition:
    """A condition over the columns of a table.

    `digest` is equal for equal conditions over columns of equal types; `tells_time` says that it depends on `now`.

    Args:
        condition: Spark SQL, as in a suite, or its parsed form.
        now: what `current_timestamp()` and `current_date()` are.

    Raises:
        NotForArrow: it is not among what this module takes.
    """

    def __init__(self, condition: str | exp.Expression, schema: pa.Schema, now: datetime) -> None:
        try:
            tree = sqlglot.parse_one(condition, dialect="spark") if isinstance(condition, str) else condition
        except SqlglotError:
            raise NotForArrow from None
        self.now = now.astimezone(timezone.utc)
        self._tree = tree
        given = {name.lower(): name for name in schema.names}
        self._names = {}
        for column in tree.find_all(exp.Column):
            if column.table or column.name.lower() not in given:
                raise NotForArrow
            self._names[column.name] = given[column.name.lower()]
        self.columns = sorted(set(self._names.values()))
        text = tree.sql(dialect="spark")
        self.tells_time = CLOCK.search(text) is not None
        self.digest = digest([text, [str(schema.field(name).type) for name in self.columns]])
        if not self.columns:
            raise NotForArrow
        chosen = pa.schema([schema.field(name) for name in self.columns])
        self.breaking(pa.RecordBatch.from_pylist([], schema=chosen))

    def breaking(self, batch: pa.RecordBatch) -> int:
        """How many rows of a batch the condition is false for.

        Raises:
            NotForArrow: these rows hold something that Spark might judge otherwise.
        """
        return int(pc.sum(self.broken(batch)).as_py() or 0)

    def broken(self, batch: pa.RecordBatch) -> pa.Array:
        """Which rows of a batch the condition is false for; it is not where it is null (unknown).

        Raises:
            NotForArrow: as for `breaking`.
        """
        try:
            return pc.fill_null(pc.invert(_boolean(self._value(self._tree, batch))), False)
        except pa.ArrowException:
            raise NotForArrow from None

    def _value(self, node: Any, batch: pa.RecordBatch) -> Any:
        """The node's value: an array as long as the batch, or a scalar."""
        kind = type(node)
        if kind is exp.Column:
            return _column(batch.column(self._names[node.name]))
        if kind is exp.Paren:
            return self._value(node.this, batch)
        if kind is exp.And or kind is exp.Or:
            both = [_boolean(self._value(side, batch)) for side in (node.left, node.right)]
            return pc.and_kleene(*both) if kind is exp.And else pc.or_kleene(*both)
        if kind is exp.Not:
            return pc.invert(_boolean(self._value(node.this, batch)))
        if kind is exp.Is and type(node.expression) is exp.Null:
            return pc.is_null(self._value(node.this, batch))
        if kind in COMPARISONS:
            return _compare(COMPARISONS[kind], self._value(node.left, batch), self._value(node.right, batch))
        if kind is exp.Between:
            value, low, high = (self._value(node.args[name], batch) for name in ("this", "low", "high"))
            return pc.and_kleene(_compare(pc.greater_equal, value, low), _compare(pc.less_equal, value, high))
        if kind is exp.In and node.expressions:
            return self._is_in(node, batch)
        if kind in SUMS:
            return self._sum(node, batch)
        if kind is exp.Coalesce:
            return _coalesce([self._value(part, batch) for part in (node.this, *node.expressions)])
        if kind in (exp.Cast, exp.TryCast) and type(node.this) is not exp.Literal:
            return _to_decimal(self._value(node.this, batch), node.to)
        if kind is exp.ArraySize:
            return pc.fill_null(pc.list_value_length(self._value(node.this, batch)), -1)  # Spark's size of null
        if kind is exp.StartsWith:
            return _starts_with(self._value(node.this, batch), self._value(node.expression, batch))
        return (
            self._text(node, batch) if kind in (exp.Like, exp.RegexpLike, exp.Lower, exp.Trim) else self._constant(node)
        )

    def _is_in(self, node: exp.In, batch: pa.RecordBatch) -> Any:
        value = self._value(node.this, batch)
        alternatives = [_compare(pc.equal, value, self._constant(literal)) for literal in node.expressions]
        held = alternatives[0]
        for alternative in alternatives[1:]:
            held = pc.or_kleene(held, alternative)
        return held

    def _sum(self, node: Any, batch: pa.RecordBatch) -> Any:
        if type(node.right) is exp.Interval:
            moment, span = self._value(node.left, batch), _span(node.right)
            if not (isinstance(moment, pa.Scalar) and moment.type == UTC):
                raise NotForArrow
            moved = {exp.Add: operator.add, exp.Sub: operator.sub}.get(type(node))
            if moved is None:
                raise NotForArrow
            return pa.scalar(moved(moment.as_py(), span), UTC)
        left, right = self._value(node.left, batch), self._value(node.right, batch)
        kinds = {_kind(left), _kind(right)}
        if "float" in kinds:
            found = SUMS[type(node)](_as_float(left), _as_float(right))
            return _known(found) if isinstance(found, pa.Array) else found
        if kinds == {"int", "decimal"}:
            left, right = _as_decimal(left), _as_decimal(right)
        elif len(kinds) > 1 or not kinds & {"int", "decimal"}:
            raise NotForArrow
        return SUMS[type(node)](left, right)

    def _text(self, node: Any, batch: pa.RecordBatch) -> Any:
        text = self._value(node.this, batch)
        if _kind(text) != "text":
            raise NotForArrow
        if type(node) is exp.Trim and {name for name, value in node.args.items() if value} == {"this"}:
            return pc.utf8_trim(text, characters=" ")
        if type(node) is exp.Lower:
            if pc.all(pc.string_is_ascii(text)).as_py() is False:  # Java and Arrow differ on a few letters
                raise NotForArrow
            return pc.ascii_lower(text)
        pattern = node.expression if isinstance(node, (exp.Like, exp.RegexpLike)) else None
        if type(pattern) is not exp.Literal or not pattern.is_string:
            raise NotForArrow
        if type(node) is exp.Like and "\\" not in pattern.this:
            return pc.match_like(text, pattern.this)
        if type(node) is exp.RegexpLike and PLAIN_PATTERN.fullmatch(pattern.this):
            plain = pattern.this
            return pc.match_substring_regex(text, plain[:-1] + JAVA_END if plain.endswith("$") else plain)
        raise NotForArrow

    def _constant(self, node: Any) -> pa.Scalar:
        kind = type(node)
        if kind is exp.Literal:
            if node.is_string:
                return pa.scalar(node.this, pa.string())
            if re.fullmatch(r"\d+", node.this):
                return pa.scalar(int(node.this), pa.int32() if int(node.this) < 2**31 else pa.int64())
            if re.fullmatch(r"\d*\.\d+", node.this):
                return pa.scalar(Decimal(node.this))
        if kind is exp.Boolean:
            return pa.scalar(bool(node.this))
        if kind is exp.Neg:
            value = self._constant(node.this)
            return pa.scalar(-value.as_py(), value.type)
        if kind is exp.CurrentTimestamp:
            return pa.scalar(self.now, UTC)
        if kind is exp.CurrentDate:
            return pa.scalar(self.now.date(), pa.date32())
        if kind is exp.Year:
            day = node.this.this if type(node.this) is exp.TsOrDsToDate else node.this
            return pa.scalar(self._constant(day).as_py().year, pa.int32())
        if kind in (exp.Cast, exp.TryCast) and type(node.this) is exp.Literal and node.this.is_string:
            return _moment(node)
        raise NotForArrow


def _moment(cast: exp.Cast | exp.TryCast) -> pa.Scalar:
    """`timestamp'2026-05-01 12:00:00'` or `date'2026-05-01'`; the session's time zone is UTC."""
    text, kind = cast.this.this, cast.to.sql(dialect="spark").upper()
    if not re.fullmatch(r"\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d)?", text):
        raise NotForArrow
    if kind == "TIMESTAMP":
        return pa.scalar(datetime.fromisoformat(text).replace(tzinfo=timezone.utc), UTC)
    if kind == "DATE" and len(text) == 10:
        return pa.scalar(date.fromisoformat(text), pa.date32())
    raise NotForArrow


def _starts_with(text: Any, prefix: Any) -> pa.Array:
    if any(_kind(side) != "text" or isinstance(side, pa.Scalar) for side in (text, prefix)):
        raise NotForArrow
    pairs = zip(text.to_pylist(), prefix.to_pylist(), strict=True)
    return pa.array([None if a is None or b is None else a.startswith(b) for a, b in pairs], pa.bool_())


def _coalesce(values: list[Any]) -> Any:
    kinds = {value.type for value in values if not isinstance(value, pa.Scalar)}
    if len(kinds) != 1 or any(_kind(value) not in ("int", _kind(values[0])) for value in values):
        raise NotForArrow
    return pc.coalesce(*(value.cast(*kinds) for value in values))  # a constant that does not fit is an ArrowInvalid


def _to_decimal(value: Any, to: exp.DataType) -> Any:
    """`cast(… as decimal(p, s))` of a decimal: half away from zero, as Spark does; out of range is Spark's affair."""
    named = re.fullmatch(r"DECIMAL\((\d+), (\d+)\)", to.sql(dialect="spark").upper())
    if named is None or _kind(value) != "decimal":
        raise NotForArrow
    precision, scale = int(named[1]), int(named[2])
    return pc.cast(pc.round(value, ndigits=scale, round_mode="half_towards_infinity"), pa.decimal128(precision, scale))


def _span(interval: exp.Interval) -> timedelta:
    unit, amount = str(interval.args.get("unit", "")).upper(), interval.this
    if unit not in UNITS or type(amount) is not exp.Literal or not re.fullmatch(r"\d+", amount.this):
        raise NotForArrow
    return timedelta(seconds=int(amount.this) * UNITS[unit])


def _column(values: Any) -> Any:
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    return _known(values)


def _known(values: Any) -> Any:
    if pa.types.is_floating(values.type) and pc.any(pc.is_nan(values)).as_py():
        raise NotForArrow  # Spark: equal to itself and greater than all; IEEE: neither
    return values


def _boolean(value: Any) -> Any:
    if not pa.types.is_boolean(value.type):
        raise NotForArrow
    return value


def _kind(value: Any) -> str:
    """The family of types within which Spark and Arrow compare alike."""
    of = value.type
    for name, belongs in (
        ("int", pa.types.is_signed_integer),
        ("decimal", pa.types.is_decimal128),
        ("text", pa.types.is_string),
        ("bool", pa.types.is_boolean),
        ("date", pa.types.is_date32),
        ("float", pa.types.is_float64),
    ):
        if belongs(of):
            return name
    if of == UTC:
        return "time"
    raise NotForArrow


def _as_float(value: Any) -> Any:
    """A double as it is, a constant as the double that Spark takes it for; a column of another type is refused."""
    if _kind(value) == "float":
        return value
    if _kind(value) not in ("int", "decimal") or not isinstance(value, pa.Scalar):
        raise NotForArrow
    return pa.scalar(float(value.as_py()), pa.float64())


def _as_decimal(value: Any) -> Any:
    """An integer as the decimal that Spark takes it for."""
    if _kind(value) == "decimal":
        return value
    return pc.cast(value, pa.decimal128(20 if pa.types.is_int64(value.type) else 10, 0))


def _compare(how: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    kinds = {_kind(left), _kind(right)}
    if kinds == {"int", "decimal"}:
        left, right = _as_decimal(left), _as_decimal(right)
    elif "float" in kinds and len(kinds) > 1:
        left, right = _as_float(left), _as_float(right)
    elif len(kinds) > 1:
        raise NotForArrow
    return how(left, right)
