"""How far a database's table has been read: a column that only grows, and its highest value at the last read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Any

from lakehouse.databases.declaration import DatabaseTable
from lakehouse.databases.dialects import Column, Dialect, Kind

FUTURE_THAT_CAN_BE = timedelta(days=1)
"""Clocks and zones differ by less. A time beyond would, taken as the watermark, hide all that comes before it."""


@dataclass(frozen=True)
class OrderedColumn:
    """A column whose values have an order: times (in UTC where they know their zone), dates or numbers."""

    column: Column
    kind: Kind
    dialect: Dialect

    @property
    def quoted(self) -> str:
        return self.dialect.quoted(self.column.name)

    def value(self, text: str | None) -> Any:
        """A datetime, date or Decimal; None for what is none of them (`infinity`, `0000-00-00`)."""
        try:
            if text is None:
                return None
            if self.kind == "number":
                number = Decimal(text)
                return number if number.is_finite() else None
            return date.fromisoformat(text) if self.kind == "date" else datetime.fromisoformat(text.removesuffix("Z"))
        except (ValueError, InvalidOperation):
            return None

    def text(self, value: Any) -> str:
        """The value as text that `value` reads."""
        if isinstance(value, Decimal):
            return f"{value:f}"
        return str(value.isoformat(timespec="microseconds") if isinstance(value, datetime) else value.isoformat())

    def literal(self, value: Any) -> str:
        """The value in SQL."""
        return self.dialect.literal(self.text(value) + ("Z" if self.kind == "instant" else ""), self.kind)

    def extreme(self, which: str, relation: str, condition: str) -> str:
        """A query for the least (`min`) or highest (`max`) value, as text."""
        inner = f"select {which}({self.quoted}) as {self.quoted} from {relation} where {condition}"
        return f"select {self.dialect.text(self.column)} from ({inner}) lakehouse_extreme"

    def can_be(self, now: datetime) -> str:
        """A condition that leaves out times in a future that cannot be."""
        if self.kind == "number":
            return "1 = 1"
        latest = now.astimezone(timezone.utc).replace(tzinfo=None) + FUTURE_THAT_CAN_BE
        return f"{self.quoted} <= {self.literal(latest.date() if self.kind == 'date' else latest)}"

    def since(self, bound: Any) -> str:
        """A condition: the value is the bound or higher, or is missing, which says nothing about when."""
        reached = f"{self.quoted} >= {self.literal(bound)}"
        return f"({reached} or {self.quoted} is null)" if self.column.is_nullable else reached

    def less_overlap(self, value: Any, table: DatabaseTable) -> Any:
        """Where a read begins that goes on from `value`."""
        if isinstance(value, Decimal):
            return value - table.overlap_number
        if isinstance(value, datetime):
            return value - table.overlap_time
        return (datetime(value.year, value.month, value.day) - table.overlap_time).date()

    def mark(self, value: Any) -> str | None:
        """The watermark as `ops.loads` keeps it."""
        return None if value is None else f"{self.column.name}={self.text(value)}"

    def marked(self, load: Mapping[str, Any]) -> Any:
        """The watermark of a row of `ops.loads`; None if it has none, or that of another column."""
        name, _, text = (load.get("watermark") or "").rpartition("=")
        return self.value(text) if name == self.column.name else None

    def last(self, current: Sequence[Mapping[str, Any]], file: str) -> Any:
        """The highest watermark of what is current; None if all is to be read: nothing is, or not all from here."""
        marks = [self.marked(row) for row in current]
        if not marks or None in marks or any(row["file"] != file for row in current):
            return None
        return max(marks)
