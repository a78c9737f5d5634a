"""The later tickets with a score, as moods learnt from the earlier ones foretold it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ml.arrays import Floats
from ml.held_out import HeldOut
from ml.intervals import Measure, auc, calibration_gap, correlation, mean, share
from ml.measures import log_losses


def held_out(customer: npt.NDArray[np.object_], predicted: Floats, mean_before: Floats, given: Floats) -> HeldOut:
    """One row per ticket; a customer's are drawn together. See `evaluate.Quality` for what is measured.

    Args:
        predicted, given: shares of the scale; `mean_before`: the baseline's.
    """
    sided, praise = (given != 0.5).astype(np.float64), (given > 0.5).astype(np.float64)

    def of_sided(measure: Measure) -> Measure:
        return replace(measure, weight=sided)

    def ranked(told: Floats) -> Measure:
        return of_sided(auc(told, praise))

    def right(told: Floats) -> Measure:
        return of_sided(share(((told > 0.5) == (praise > 0)).astype(np.float64)))

    losses = mean(log_losses(predicted, given)), mean(log_losses(mean_before, given))
    measures: dict[str, tuple[Measure, Measure | None]] = {
        "mood_log_loss": losses,
        "mood_correlation": (correlation(predicted, given), None),
        "mood_auc": (ranked(predicted), ranked(mean_before)),
        "mood_accuracy": (right(predicted), right(mean_before)),
    }
    by_group = {
        "mean prediction": share(predicted),
        "base rate": share(given),
        "calibration gap": calibration_gap(predicted, given),
        "log loss": losses[0],
    }
    return HeldOut(customer, measures, by_group, drawn={"mood": (predicted, given)})
