"""The last fifth of the impressions, as the twin foretold them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ml.arrays import Floats
from ml.held_out import HeldOut, of_chances
from ml.intervals import absolute_mean, auc, average_precision, calibration_error, mean, share
from ml.measures import log_losses


def held_out(customer: npt.NDArray[np.object_], probability: Floats, clicked: Floats, base_rate: float) -> HeldOut:
    """One row per impression; a customer's are drawn together."""
    flat = np.full(len(clicked), base_rate)
    return HeldOut(
        customer,
        {
            "auc": (auc(probability, clicked), share(np.full(len(clicked), 0.5))),
            "average_precision": (average_precision(probability, clicked), share(clicked)),
            "log_loss": (mean(log_losses(probability, clicked)), mean(log_losses(flat, clicked))),
            "expected_calibration_error": (calibration_error(probability, clicked), absolute_mean(flat - clicked)),
            "mean_click_probability": (share(probability), share(clicked)),
        },
        of_chances(probability, clicked),
    )
