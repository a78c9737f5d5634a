"""The buyers at risk on the day up to which evaluation knows, as the family that serves foretold their days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ml.arrays import Floats
from ml.churn.evaluate import brier_errors, over_time
from ml.churn.features import Landmark
from ml.held_out import HeldOut, of_chances
from ml.intervals import Measure, concordance, mean


def held_out(
    customer: npt.NDArray[np.object_],
    survival: Floats,
    flat: Floats,
    later: Landmark,
    days: Floats,
    others: Mapping[str, Floats],
) -> HeldOut:
    """One row per customer and possible end, which counts as much as it is probable; see `evaluate.measures`.

    Everybody is followed to the last of the days. The weights of who was censored in the integrated Brier score stay
    those of all customers in every resample, as do the chances of having left.

    Args:
        customer: id of each row of `later`.
        others: survival by families that do not serve, by what is put before the names of their metrics.
    """
    outcome, weight = (later.duration, later.event_observed), later.weight
    recency = later.covariates["recency_days"].to_numpy(dtype=np.float64)
    has_left = ((outcome[0] <= days[-1]) & (outcome[1] > 0)).astype(np.float64)
    same, risk = np.broadcast_to(flat, survival.shape), 1.0 - survival[:, -1]
    is_likely = (weight > 0.5).astype(np.float64)

    def brier(curves: Floats) -> Measure:
        return replace(mean(over_time(brier_errors(curves, *outcome, days, weight), days)), weight=weight)

    def ranked(by: Floats) -> Measure:
        return replace(concordance(by, *outcome), weight=is_likely)

    measures: dict[str, tuple[Measure, Measure | None]] = {}
    for name, curves in {"": survival, **others}.items():
        measures[f"{name}concordance_index"] = ranked(1.0 - curves[:, -1]), ranked(recency)
        measures[f"{name}integrated_brier_score"] = brier(curves), brier(same)
    _, first, whose = np.unique(later.user, return_index=True, return_inverse=True)
    return HeldOut(
        customer,
        measures,
        {name: replace(measure, weight=weight) for name, measure in of_chances(risk, has_left).items()},
        risk[first],
        np.bincount(whose, has_left * weight) / np.bincount(whose, weight),
    )
