"""The buyers at risk on the day up to which evaluation knows, as the family that serves foretold their days."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ml.churn.activity import Floats
from ml.churn.evaluate import brier_errors, integrated
from ml.held_out import HeldOut, of_chances
from ml.intervals import Measure, concordance, mean


def held_out(
    customer: npt.NDArray[np.object_],
    survival: Floats,
    flat: Floats,
    recency: Floats,
    outcome: tuple[Floats, Floats],
    days: Floats,
) -> HeldOut:
    """One row per customer; the arguments of `evaluate.measures`.

    Everybody is followed to the last of the days, so who left by then is known of each. The weights of who was censored
    in the integrated Brier score stay those of all customers in every resample.
    """
    same = np.broadcast_to(flat, survival.shape)
    has_left = ((outcome[0] <= days[-1]) & (outcome[1] > 0)).astype(np.float64)

    def brier(curves: Floats) -> Measure:
        return mean(integrated(brier_errors(curves, *outcome, days), days))

    risk = 1.0 - survival[:, -1]
    return HeldOut(
        customer,
        {
            "concordance_index": (concordance(risk, *outcome), concordance(recency, *outcome)),
            "integrated_brier_score": (brier(survival), brier(same)),
        },
        of_chances(risk, has_left),
        risk,
        has_left,
    )
