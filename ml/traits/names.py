"""What a given name says of the gender: naive Bayes over its characters, or over the whole of a Latin one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.arrays import Flags, Floats, Texts

LEAST_BEARERS = 5
"""Who must have a character or name, of those whose gender is told, before a model keeps it: a rare one would say who
is among the customers."""
HAN = re.compile(r"[\u3400-\u9fff]")


def tokens_of(given_name: str | None) -> list[str]:
    """The characters of a Chinese given name, as often as they occur; a Latin one itself; none for nothing."""
    if not given_name:
        return []
    return HAN.findall(given_name) or [given_name]


@dataclass(frozen=True)
class Names:
    """Log likelihood ratios, female over male, by token: ln P(token | female) - ln P(token | male)."""

    ratios: Mapping[str, float]

    def told(self, given_names: Iterable[str | None]) -> tuple[Floats, Flags]:
        """The sum over the tokens of each name, and whether any of them is known."""
        code, different = pd.factorize(np.array([*given_names, None], dtype=object)[:-1])
        known = [
            [self.ratios[token] for token in tokens_of(name) if token in self.ratios] for name in [*different, None]
        ]
        ratio, is_known = np.array([sum(found) for found in known], dtype=np.float64), np.array([*map(bool, known)])
        return ratio[code], is_known[code]  # -1, of no name, is the last


def of_counts(female: Mapping[str, float], male: Mapping[str, float]) -> Names:
    """Naive Bayes with Laplace's rule, (n + 1) / (N + V): n of a token, N of all in that gender, V different tokens.

    Args:
        female, male: how often each token stands in names of that gender.
    """
    tokens = sorted({*female, *male})
    of_female, of_male = (sum(counts.values()) + len(tokens) for counts in (female, male))
    return Names(
        {
            token: float(np.log((female.get(token, 0) + 1) / of_female) - np.log((male.get(token, 0) + 1) / of_male))
            for token in tokens
        }
    )


def learnt(given_names: Texts, is_female: Floats, least_bearers: int = LEAST_BEARERS) -> Names:
    """From people whose gender is told: the tokens that at least so many of them bear.

    Args:
        given_names: one per person, None where there is none.
        is_female: 1 or 0.
    """
    counts: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    bearers: Counter[str] = Counter()
    for name, female in zip(given_names, is_female, strict=True):
        tokens = tokens_of(name)
        counts[int(female)].update(tokens)
        bearers.update(set(tokens))
    kept = {token for token, count in bearers.items() if count >= least_bearers}
    male, female_ = ({token: count for token, count in told.items() if token in kept} for told in counts)
    return of_counts(female_, male)
