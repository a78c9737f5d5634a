"""The probability that a customer is a woman: what they do and what they are called, each worth its odds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ml.arrays import Flags, Floats, Texts
from ml.calibration import sigmoid
from ml.traits.certainty import NEVER
from ml.traits.names import Names

BEHAVIOUR, NAME, BOTH, NOTHING = "behaviour", "name", "behaviour and name", "none"
GIVEN_NAME = "given_name"
"""The name as a feature: all that its characters say together."""


@dataclass(frozen=True)
class Evidence:
    """What is known of customers: `shares` x tokens with `has_behaviour`, and `given_name`, None without one."""

    shares: Floats
    has_behaviour: Flags
    given_name: Texts


@dataclass(frozen=True)
class Parts:
    """Of the log-odds of a woman: `behaviour` and `name`, log likelihood ratios, 0 where there is no such evidence."""

    prior: float
    behaviour: Floats
    name: Floats
    has_behaviour: Flags
    has_name: Flags

    @property
    def log_odds(self) -> Floats:
        return np.asarray(self.prior + self.behaviour + self.name)

    @property
    def kind(self) -> Texts:
        """Which evidence there is."""
        return np.select(
            [self.has_behaviour & self.has_name, self.has_behaviour, self.has_name], [BOTH, BEHAVIOUR, NAME], NOTHING
        ).astype(object)


@dataclass(frozen=True)
class GenderModel:
    """log-odds = prior + behaviour + name, as if both were independent given the gender (naive Bayes of two experts).

    behaviour = slope (intercept + shares . coefficients) + offset - prior_of_behaviour
    name      = name_slope (sum of the ratios of its tokens) + name_offset

    Slopes and offsets are Platt's, of people whom the parts were not learnt from.

    Args:
        usual: the mean share of each token among those learnt from.
        thresholds: by kind of evidence, the probability from which on a value is stated.
    """

    tokens: Sequence[str]
    coefficients: Floats
    intercept: float
    usual: Floats
    names: Names
    prior: float = 0.0
    prior_of_behaviour: float = 0.0
    slope: float = 1.0
    offset: float = 0.0
    name_slope: float = 1.0
    name_offset: float = 0.0
    thresholds: Mapping[str, float] = field(default_factory=dict)

    def raw(self, evidence: Evidence) -> tuple[Floats, Floats, Flags]:
        """Log-odds by behaviour, log likelihood ratio of the name, and whether the name is known; not calibrated."""
        ratio, has_name = self.names.told(evidence.given_name)
        return np.asarray(self.intercept + evidence.shares @ self.coefficients), ratio, has_name

    def parts(self, raw: tuple[Floats, Floats, Flags], has_behaviour: Flags) -> Parts:
        """The calibrated parts of what `raw` returned."""
        behaviour, ratio, has_name = raw
        return Parts(
            self.prior,
            np.where(has_behaviour, self.slope * behaviour + self.offset - self.prior_of_behaviour, 0.0),
            np.where(has_name, self.name_slope * ratio + self.name_offset, 0.0),
            has_behaviour,
            has_name,
        )

    def needed(self, kind: Texts) -> Floats:
        """The threshold of each row's kind of evidence."""
        needed = np.full(len(kind), NEVER)
        for one, threshold in self.thresholds.items():
            needed[kind == one] = threshold
        return needed

    def contributions(self, evidence: Evidence, parts: Parts) -> tuple[list[str], Floats]:
        """Names of features, and rows x features: what each adds to the log-odds beside the usual customer.

        Together they are the log-odds less those of the usual customer whose name is not known.
        """
        of_shares = self.slope * self.coefficients * (evidence.shares - self.usual)
        return [*self.tokens, GIVEN_NAME], np.column_stack([of_shares * parts.has_behaviour[:, None], parts.name])

    def basis(self, parts: Parts, kind: Texts, is_female: Flags) -> Texts:
        """What a stated value rests on.

        `name` wherever the name is enough and what they did would not be: then a value is stated by the name alone.
        """
        sign = np.where(is_female, 1.0, -1.0)
        is_both = kind == BOTH
        behaviour_is_enough = sigmoid(sign * (parts.prior + parts.behaviour)) >= self.thresholds.get(BEHAVIOUR, NEVER)
        name_is_enough = sigmoid(sign * (parts.prior + parts.name)) >= self.thresholds.get(NAME, NEVER)
        speaks_against = sign * parts.behaviour <= 0
        by_name = is_both & ~behaviour_is_enough & (name_is_enough | speaks_against)
        by_behaviour = is_both & ~by_name & (sign * parts.name <= 0)
        return np.select([by_name, by_behaviour], [NAME, BEHAVIOUR], kind).astype(object)


def probability(parts: Parts) -> Floats:
    """Of a woman."""
    return sigmoid(parts.log_odds)
