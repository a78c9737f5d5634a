"""The customers of the later day, as the forest foretold the 30 days after it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ml.arrays import Floats
from ml.held_out import HeldOut, of_chances
from ml.intervals import absolute_mean, auc, average_precision, calibration_error, mean, share
from ml.measures import log_losses


def held_out(
    customer: npt.NDArray[np.object_], raw: Floats, calibrated: Floats, recency: Floats, bought: Floats, rate: float
) -> HeldOut:
    """One row per customer; the arguments of `evaluate.evaluate`."""
    flat = np.full(len(bought), rate)
    by_rate = mean(log_losses(flat, bought))
    off = absolute_mean(flat - bought)
    return HeldOut(
        customer,
        {
            "auc": (auc(raw, bought), auc(-recency, bought)),
            "average_precision": (average_precision(raw, bought), average_precision(-recency, bought)),
            "log_loss": (mean(log_losses(calibrated, bought)), by_rate),
            "log_loss_before_calibration": (mean(log_losses(raw, bought)), by_rate),
            "expected_calibration_error": (calibration_error(calibrated, bought), off),
            "expected_calibration_error_before_calibration": (calibration_error(raw, bought), off),
            "mean_purchase_probability": (share(raw), share(bought)),
        },
        of_chances(calibrated, bought),
        calibrated,
        bought,
    )
