"""The later tickets with a score, as moods learnt from the earlier ones foretold it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ml.held_out import HeldOut
from ml.intervals import calibration_gap, mean, share
from ml.measures import Floats, log_losses


def held_out(customer: npt.NDArray[np.object_], predicted: Floats, mean_before: Floats, given: Floats) -> HeldOut:
    """One row per ticket; a customer's are drawn together.

    Args:
        predicted, given: shares of the scale; `mean_before`: the baseline's.
    """
    losses = mean(log_losses(predicted, given)), mean(log_losses(mean_before, given))
    by_group = {
        "mean prediction": share(predicted),
        "base rate": share(given),
        "calibration gap": calibration_gap(predicted, given),
        "log loss": losses[0],
    }
    return HeldOut(customer, {"mood_log_loss": losses}, by_group)
