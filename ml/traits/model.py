"""The model of both traits: arrays and one JSON file. No given name is in it that fewer than five people bear."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ml.traits.features import SALES, Sales
from ml.traits.gender import Evidence, GenderModel, probability
from ml.traits.names import Names
from ml.traits.spending import BANDS, SpendingModel, columns_of, softmax

OF_GENDER = ("coefficients", "usual")
OF_BANDS = ("lookback", "horizon", "slope", "threshold", "knows_no_sales")
OF_SPENDING = ("mean", "deviation", "coefficients", "intercepts")
NUMBERS = ("intercept", "prior", "prior_of_behaviour", "slope", "offset", "name_slope", "name_offset")


@dataclass(frozen=True)
class TraitsModel:
    """Either model is None where there was too little to learn from.

    Args:
        reliability: by trait and evidence, rows of [mean probability, share right, rows] (`evaluate.reliability`).
    """

    gender: GenderModel | None
    spending: SpendingModel | None
    reliability: Mapping[str, Mapping[str, Sequence[Sequence[float]]]] = field(default_factory=dict)

    @property
    def tokens(self) -> tuple[str, ...]:
        """What either model has a column of shares for, sorted."""
        return tuple(sorted({token for one in (self.gender, self.spending) if one is not None for token in one.tokens}))

    def predict(self, rows: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """`female_probability` and `low`, `medium`, `high` for rows with `given_name`, `SALES` and shares by token.

        What is absent is not known: no name, no sale, a share of 0. Without any share there is no behaviour.
        """
        told: dict[str, Any] = {}
        if self.gender is not None:
            shares = _numbers(rows, self.gender.tokens).fillna(0.0).to_numpy()
            given = rows["given_name"] if "given_name" in rows else pd.Series([None] * len(rows), dtype=object)
            names = given.astype(object).where(given.notna(), None).to_numpy(dtype=object)
            evidence = Evidence(shares, shares.sum(axis=1) > 0, names)
            told["female_probability"] = probability(
                self.gender.parts(self.gender.raw(evidence), evidence.has_behaviour)
            )
        if self.spending is not None:
            sales = Sales(_numbers(rows, SALES).to_numpy())
            shares = _numbers(rows, self.spending.tokens).fillna(0.0).to_numpy()
            scores = self.spending.slope * self.spending.scores(columns_of(sales, shares))
            told |= dict(zip(BANDS, softmax(scores).T, strict=True))
        return pd.DataFrame(told, index=rows.index)

    def save(self, folder: Path) -> None:
        """Write `traits.json` and `traits.npz`."""
        content: dict[str, Any] = {"reliability": dict(self.reliability)}
        arrays: dict[str, Any] = {}
        if self.gender is not None:
            content["gender"] = {
                "tokens": list(self.gender.tokens),
                "names": dict(self.gender.names.ratios),
                "thresholds": dict(self.gender.thresholds),
                **{name: getattr(self.gender, name) for name in NUMBERS},
            }
            arrays |= {f"gender_{name}": getattr(self.gender, name) for name in OF_GENDER}
        if self.spending is not None:
            content["spending"] = {name: getattr(self.spending, name) for name in OF_BANDS} | {
                "tokens": list(self.spending.tokens)
            }
            arrays |= {f"spending_{name}": getattr(self.spending, name) for name in OF_SPENDING}
        (folder / "traits.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        np.savez(folder / "traits.npz", **arrays)


def _numbers(rows: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    return rows.reindex(columns=list(names)).apply(pd.to_numeric).astype(np.float64)


def load(folder: Path) -> TraitsModel:
    """The model that `save` wrote."""
    content = json.loads((folder / "traits.json").read_text(encoding="utf-8"))
    gender, spending = content.get("gender"), content.get("spending")
    with np.load(folder / "traits.npz") as arrays:
        return TraitsModel(
            None
            if gender is None
            else GenderModel(
                **{**gender, "names": Names(gender["names"])}, **{name: arrays[f"gender_{name}"] for name in OF_GENDER}
            ),
            None
            if spending is None
            else SpendingModel(**spending, **{name: arrays[f"spending_{name}"] for name in OF_SPENDING}),
            content["reliability"],
        )


def _load_pyfunc(path: str) -> TraitsModel:
    """MLflow's entry point."""
    return load(Path(path))
