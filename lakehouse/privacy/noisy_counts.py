"""Counts of people with noise, so that nobody can be told to be among them or not; and what may still be spent on them.

Noise and threshold are OpenDP's (https://docs.opendp.org): the discrete Laplace mechanism for groups that are not known
beforehand (R. Rogers, "A Unifying Privacy Analysis Framework for Unknown Domain Algorithms in Differential Privacy",
2023). A release is (epsilon, delta)-private for a person who has at most so many rows: whatever else somebody knows,
that a person is in the table changes the odds of any answer by at most exp(epsilon), but for a chance of delta.

What is spent adds up for good, in the sealed log of `lakehouse audit`.
"""

from __future__ import annotations

import fcntl
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from lakehouse.errors import InputError, LakehouseError
from lakehouse.privacy import audit
from lakehouse.privacy.keyring import Keyring
from lakehouse.settings import Settings

DELTA = 1e-6
"""The chance, of each release, that a group shows which only one person's rows make: one in a million."""
SPENT = "noisy counts"
Key = tuple[str | None, ...]


@dataclass(frozen=True)
class NoisyCounts:
    """Counts by group, and what is true of them.

    `scale` is that of the Laplace noise, in rows. Groups with a noisy count below `threshold` are not told.
    """

    counts: dict[Key, int]
    epsilon: float
    delta: float
    per_person: int
    scale: float
    threshold: int

    @property
    def within(self) -> int:
        """Of the truth, 19 times of 20."""
        return math.ceil(self.scale * math.log(20))


def noisy(counts: Mapping[Key, int], epsilon: float, per_person: int = 1, delta: float = DELTA) -> NoisyCounts:
    """Counts with noise, without the groups that are small.

    Args:
        counts: rows in each group, of which nobody has more than `per_person` in all of them together.
    """
    import opendp.prelude as opendp

    dp: Any = opendp  # parts of it have no types

    dp.enable_features("contrib")
    space = (
        dp.map_domain(dp.atom_domain(T=str), dp.atom_domain(T="i64")),
        dp.l01inf_distance(dp.absolute_distance(T="i64")),
    )
    bound = (per_person, per_person, per_person)  # groups, rows in all, rows in one

    def of_scale(scale: float) -> float:
        return float(dp.m.make_laplace_threshold(*space, scale=scale, threshold=2**40).map(bound)[0])

    def of_threshold(threshold: int) -> float:
        return float(dp.m.make_laplace_threshold(*space, scale=scale, threshold=threshold).map(bound)[1])

    scale = per_person / epsilon
    while of_scale(scale) > epsilon:  # by the last digit
        scale *= 1 + 1e-12
    low, high = per_person, 2**40
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if of_threshold(middle) <= delta else (middle + 1, high)
    release = dp.m.make_laplace_threshold(*space, scale=scale, threshold=low)
    told = release({json.dumps(key, ensure_ascii=False): count for key, count in counts.items()})
    by_group = {tuple(json.loads(key)): int(count) for key, count in told.items()}
    return NoisyCounts(by_group, epsilon, delta, per_person, scale, low)


def spend(settings: Settings, keyring: Keyring, at: datetime, user: str, epsilon: float, **about: str) -> None:
    """Take some epsilon from the budget, for good; to be asked before a release, and nobody else spends meanwhile.

    Raises:
        InputError: there is not so much left.
        LakehouseError: the log cannot be written, or was changed.
    """
    log = audit.log_path(settings)
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (log.parent / "budget.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        faults = audit.verify(settings, keyring, None).faults
        if faults:
            raise LakehouseError(f"{log} is not as it was written, so nobody knows what was spent: {faults[0]}")
        left = remaining(settings)
        if Decimal(str(epsilon)) > left:
            raise InputError(
                f"epsilon {epsilon:g} is more than is left: {left} of the {settings.privacy_budget:g} that setting "
                "'privacy_budget' gives for all noisy counts of this home together"
            )
        audit.record(settings, keyring, at, user, SPENT, epsilon=str(epsilon), **about)


def remaining(settings: Settings) -> Decimal:
    """What is left of the budget, in epsilon; never less than nothing, also where the setting was lowered."""
    spent = sum((Decimal(line["epsilon"]) for line in audit.read(settings) if line.get("action") == SPENT), Decimal(0))
    return max(Decimal(str(settings.privacy_budget)) - spent, Decimal(0))
