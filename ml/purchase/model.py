"""The purchase model: a forest, its calibration, and what its columns mean; arrays and one JSON file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ml.arrays import Floats
from ml.calibration import offset, sigmoid, slope
from ml.purchase.features import CHANNEL, PLAIN, SPANS, Customers, names_of
from ml.purchase.forest import Forest

LEAST_PROBABILITY = 1e-3
"""Of the forest, before calibration: a leaf of ten rows says nothing finer, and log-odds of 0 and 1 are not finite."""
ARRAYS = ("start", "feature", "threshold", "left", "right", "value", "cover")


@dataclass(frozen=True)
class PurchaseModel:
    """P(purchase within 30 days) = sigmoid(slope logit(forest) + offset).

    Args:
        channels: those with a column of their own, after the columns `PLAIN`.
        lookback: days that every feature looks back on.
    """

    forest: Forest
    channels: Sequence[str]
    lookback: int
    slope: float = 1.0
    offset: float = 0.0

    @property
    def names(self) -> list[str]:
        """Of the columns, in the forest's numbering."""
        return names_of(self.channels, self.lookback)

    def rows(self, customers: Customers) -> Floats:
        """Customers x columns."""
        return customers.matrix(self.channels, self.lookback)

    def calibrated_on(self, raw: Floats, bought: Floats) -> PurchaseModel:
        """The same forest, calibrated by its own probabilities of rows that it has not seen."""
        logit = log_odds(raw)
        stretch = slope(logit, bought)
        return replace(self, slope=stretch, offset=offset(logit, bought, stretch))

    def calibrate(self, raw: Floats) -> Floats:
        """Probabilities of a purchase, by those of the forest; a greater one never becomes the smaller one."""
        return sigmoid(self.slope * log_odds(raw) + self.offset)

    def predict(self, customers: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """`purchase_probability` for rows with the columns `PLAIN` and `preferred_channel`; absent counts are 0."""
        told = customers.reindex(columns=[*PLAIN, CHANNEL])
        plain = told[list(PLAIN)].apply(pd.to_numeric).fillna({name: 0.0 for name in PLAIN if name not in SPANS})
        channel = told[CHANNEL].astype(object).where(told[CHANNEL].notna(), None)
        known = Customers(
            np.arange(len(told)).astype(object),
            plain.to_numpy(dtype=np.float32).astype(np.float64),
            channel.to_numpy(dtype=object),
        )
        return pd.DataFrame({"purchase_probability": self.calibrate(self.forest.probability(self.rows(known)))})

    def save(self, folder: Path) -> None:
        """Write `forest.npz` and `purchase.json`."""
        np.savez_compressed(folder / "forest.npz", **{name: getattr(self.forest, name) for name in ARRAYS})
        content = {
            "channels": list(self.channels),
            "lookback": self.lookback,
            "slope": self.slope,
            "offset": self.offset,
            "features": self.names,
        }
        (folder / "purchase.json").write_text(json.dumps(content, indent=1, ensure_ascii=False), "utf-8")


def log_odds(raw: Floats) -> Floats:
    """Of the forest's probabilities, bounded."""
    inside = np.clip(raw, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    return np.asarray(np.log(inside / (1 - inside)))


def load(folder: Path) -> PurchaseModel:
    """The model that `save` wrote."""
    content = json.loads((folder / "purchase.json").read_text("utf-8"))
    with np.load(folder / "forest.npz") as arrays:
        forest = Forest(**{name: arrays[name] for name in ARRAYS})
    return PurchaseModel(forest, content["channels"], content["lookback"], content["slope"], content["offset"])


def _load_pyfunc(path: str) -> PurchaseModel:
    """MLflow's entry point."""
    return load(Path(path))
