"""The click model: a coefficient per word, an intercept, a calibration; one JSON file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ml.arrays import Floats
from ml.calibration import sigmoid
from ml.click import tokens as T
from ml.click.features import rare_of
from ml.click.tokens import words

SIGNATURE = {
    "customer_id": "string",
    **dict.fromkeys((*T.CONTEXT[:5], *T.PERSON, T.TASTE), "string"),
    **dict.fromkeys((*T.CONTEXT[5:], *T.COUNTS, *T.DAYS, T.AGE, T.TASTE_RATE), "double"),
    T.ATTRIBUTES: "map<string>",
}
"""The columns that `predict` takes, to MLflow types; whatever else a source tells of an impression is an attribute."""


@dataclass(frozen=True)
class ClickModel:
    """P(click) = sigmoid(slope (intercept + sum of the words' coefficients) + offset).

    Args:
        coefficients: one per word of the vocabulary, in the order of the words.
        intercept: log-odds with the weighting of clicks undone.
        base_rate: click rate of the impressions fitted on.
        curves: what a model that had not seen the last fifth of the impressions made of them; see `calibration.curves`.
    """

    coefficients: dict[str, float]
    intercept: float
    slope: float
    offset: float
    base_rate: float
    curves: dict[str, list[list[float]]] = field(default_factory=dict)

    def calibrated(self, slope: float, offset: float) -> ClickModel:
        """The same model with another calibration."""
        return replace(self, slope=slope, offset=offset)

    def effect(self, word: str) -> float:
        """The coefficient of a word; of its column's rare levels for one that the model does not know."""
        found = self.coefficients.get(word)
        return self.coefficients.get(rare_of(word), 0.0) if found is None else found

    def log_odds(self, rows: Sequence[Sequence[str]]) -> Floats:
        """Before calibration, one per row of words."""
        sums = [sum(self.effect(word) for word in set(row)) for row in rows]
        return self.intercept + np.asarray(sums, dtype=np.float64)

    def probability(self, log_odds: Floats) -> Floats:
        """Calibrated click probabilities."""
        return sigmoid(self.slope * log_odds + self.offset)

    def predict(self, impressions: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """`click_probability` for rows with the columns of gold.feat_impressions, any of them absent."""
        rows = [words(row) for row in impressions.to_dict("records")]
        return pd.DataFrame({"click_probability": self.probability(self.log_odds(rows))})

    def save(self, folder: Path) -> None:
        """Write `click.json`."""
        (folder / "click.json").write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False), "utf-8")


def base_rate_model(clicks: int, impressions: int) -> ClickModel:
    """The same probability for everybody, for logs too small or one-sided to learn from: (clicks + 1/2) / (n + 1)."""
    rate = (clicks + 0.5) / (impressions + 1.0)
    return ClickModel({}, float(np.log(rate / (1.0 - rate))), 1.0, 0.0, rate)


def load(folder: Path) -> ClickModel:
    """The model that `save` wrote."""
    return ClickModel(**json.loads((folder / "click.json").read_text("utf-8")))


def _load_pyfunc(path: str) -> ClickModel:
    """MLflow's entry point."""
    return load(Path(path))
