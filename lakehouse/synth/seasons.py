"""The shop's calendar: when people come, by week, season and festival, and when a random process fires.

The intensity of day d is `week(d) * year(d) * festival(d)`, scaled to a mean of 1 over the window. All
times inside the generator are seconds since 1970-01-01 00:00 on the shop's wall clock (Asia/Shanghai, no
summer time); UTC is eight hours earlier.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from lakehouse.synth.arrays import Floats, Ints

DAY_SECONDS = 86_400
UTC_OFFSET_SECONDS = 8 * 3600
EPOCH = date(1970, 1, 1)

#: (first month, day), (last month, day), factor on the intensity of visits.
FESTIVALS: tuple[tuple[tuple[int, int], tuple[int, int], float], ...] = (
    ((1, 26), (2, 3), 0.6),  # around the Spring Festival people travel
    ((3, 8), (3, 8), 1.5),
    ((5, 1), (5, 3), 1.2),
    ((6, 16), (6, 18), 2.5),  # 6.18
    ((10, 1), (10, 5), 0.8),
    ((11, 9), (11, 11), 3.5),  # 11.11
    ((12, 12), (12, 12), 1.8),  # 12.12
)
SALE_FACTOR = 1.5  #: a day whose festival factor reaches this is a sale day: discounts and conversion rise
WEEKDAY_FACTORS = (0.92, 0.90, 0.92, 0.95, 1.03, 1.18, 1.10)  # Monday first
YEARLY_AMPLITUDE = 0.12  # peak at the end of November


def festival_factor(day: date) -> float:
    """Factor of the festival that the day falls in, 1 for an ordinary day."""
    for first, last, factor in FESTIVALS:
        if first <= (day.month, day.day) <= last:
            return factor
    return 1.0


@dataclass(frozen=True)
class Calendar:
    """The window of `days` days that ends with the day `end`."""

    start: date
    end: date
    days: int
    start_s: int  #: first second of the window, local seconds since the epoch
    weights: Floats  #: (days,) intensity, mean 1
    cumulative: Floats  #: (days + 1,) integral of the intensity
    is_sale_day: Floats  #: (days,) 1.0 on sale days

    @property
    def end_s(self) -> int:
        """First second after the window."""
        return self.start_s + self.days * DAY_SECONDS

    @property
    def months(self) -> list[str]:
        """`YYYY-MM` of every month that the window touches, in order."""
        return sorted({(self.start + timedelta(days=d)).strftime("%Y-%m") for d in range(self.days)})

    def day_of(self, seconds: Ints) -> Ints:
        """Day index in the window (0 = first day) of local seconds."""
        return (seconds - self.start_s) // DAY_SECONDS

    def month_of(self, seconds: Ints) -> Ints:
        """Index into `months` of local seconds inside the window."""
        names = self.months
        of_day = np.array([names.index((self.start + timedelta(days=d)).strftime("%Y-%m")) for d in range(self.days)])
        return of_day[np.clip(self.day_of(seconds), 0, self.days - 1)]


def make_calendar(end: date, days: int) -> Calendar:
    """Calendar of the `days` days up to and including `end`."""
    start = end - timedelta(days=days - 1)
    dates = [start + timedelta(days=d) for d in range(days)]
    festival = np.array([festival_factor(d) for d in dates])
    week = np.array([WEEKDAY_FACTORS[d.weekday()] for d in dates])
    phase = np.array([d.timetuple().tm_yday - 330 for d in dates]) / 365.25
    weights = week * festival * (1 + YEARLY_AMPLITUDE * np.cos(2 * np.pi * phase))
    weights = weights / weights.mean()
    return Calendar(
        start=start,
        end=end,
        days=days,
        start_s=(start - EPOCH).days * DAY_SECONDS,
        weights=weights,
        cumulative=np.r_[0.0, np.cumsum(weights)],
        is_sale_day=(festival >= SALE_FACTOR).astype(np.float64),
    )


def fire(
    rng: np.random.Generator, calendar: Calendar, rate: Floats, from_day: Floats, to_day: Floats
) -> tuple[Ints, Ints]:
    """Events of one inhomogeneous Poisson process per person.

    Args:
        rate: (people,) events per day at intensity 1.
        from_day, to_day: (people,) the active interval in days of the window, clipped to it.

    Returns:
        `(who, day)`: person index (ascending) and day index of every event.
    """
    grid = np.arange(calendar.days + 1, dtype=np.float64)
    low = np.interp(np.clip(from_day, 0, calendar.days), grid, calendar.cumulative)
    high = np.interp(np.clip(to_day, 0, calendar.days), grid, calendar.cumulative)
    counts = rng.poisson(rate * np.maximum(high - low, 0.0))
    who = np.repeat(np.arange(len(rate), dtype=np.int64), counts)
    place = low[who] + rng.random(len(who)) * (high - low)[who]
    day = np.interp(place, calendar.cumulative, grid)
    return who, np.minimum(day.astype(np.int64), calendar.days - 1)


def second_of_day(rng: np.random.Generator, peak_hour: Floats) -> Ints:
    """A second of the day for each event: two thirds around the person's own hour, the rest over the day."""
    size = len(peak_hour)
    own = rng.normal(peak_hour, 1.6)
    any_hour = rng.triangular(6.0, 20.0, 24.0, size)
    hour = np.where(rng.random(size) < 0.67, own, any_hour)
    return (np.mod(hour, 24.0) * 3600).astype(np.int64)
