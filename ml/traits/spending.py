"""The band of a customer's spending when they buy: low, medium or high, by multinomial logistic regression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ml.arrays import Flags, Floats, Ints
from ml.traits.certainty import NEVER
from ml.traits.features import SALES, Sales

BANDS = ("low", "medium", "high")
NO_SALES = "no_sales"
"""1 for who has bought nothing in the time looked back on; the sums then count as the usual ones."""
LOGGED = tuple(name for name in SALES if name.endswith("amount") or name.startswith("amount") or name == "sale_days")


@dataclass(frozen=True)
class SpendingModel:
    """P(band) = softmax(slope (intercepts + z . coefficients)), z the columns less `mean` over `deviation`.

    The slope is the inverse temperature of Guo et al., "On Calibration of Modern Neural Networks" (ICML 2017).

    Args:
        tokens: shares with a column, after those of `SALES` and `NO_SALES`.
        coefficients: columns x bands.
        threshold: the probability from which on a band is stated.
        lookback: days of sales that are summed; `horizon`: days ahead.
        knows_no_sales: whether it has learnt from customers who had bought nothing yet; else it tells nothing of such.
    """

    tokens: Sequence[str]
    mean: Floats
    deviation: Floats
    coefficients: Floats
    intercepts: Floats
    lookback: int
    horizon: int
    slope: float = 1.0
    threshold: float = NEVER
    knows_no_sales: bool = True

    @property
    def names(self) -> list[str]:
        return [*SALES, NO_SALES, *self.tokens]

    def can_tell(self, columns: Floats) -> Flags:
        """Of which rows there were some like them to learn from."""
        return np.asarray((columns[:, len(SALES)] == 0) | self.knows_no_sales)

    def scaled(self, columns: Floats) -> Floats:
        """Columns in standard deviations from the mean, 0 where there is no sale to tell."""
        return np.nan_to_num((columns - self.mean) / self.deviation, nan=0.0)

    def scores(self, columns: Floats) -> Floats:
        """Rows x bands: log-odds before calibration, up to a constant of the row."""
        return np.asarray(self.intercepts + self.scaled(columns) @ self.coefficients)

    def contributions(self, columns: Floats, band: Ints) -> Floats:
        """Rows x columns: what each adds to the score of the row's band beside the mean of the others."""
        beside = self.coefficients - (self.coefficients.sum(axis=1, keepdims=True) - self.coefficients) / (
            len(BANDS) - 1
        )
        return np.asarray(self.slope * self.scaled(columns) * beside.T[band])


def columns_of(sales: Sales, shares: Floats) -> Floats:
    """Customers x columns: `SALES`, money and days as logarithms, `NO_SALES`, and the shares."""
    values = sales.values.copy()
    logged = [SALES.index(name) for name in LOGGED]
    values[:, logged] = np.log1p(np.maximum(values[:, logged], 0.0))
    return np.column_stack([values, ~sales.is_buyer, shares])


def softmax(scores: Floats) -> Floats:
    """Rows x bands, each row summing to 1."""
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))
