"""Which of two forests says more of the purchases of later days: log loss per customer after both cuts."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from ml.arrays import Floats
from ml.comparisons import Judge, Rivals, Twins
from ml.happenings import read_happenings
from ml.measures import log_losses
from ml.promotion import Judged
from ml.purchase.evaluate import halves
from ml.purchase.features import HORIZON_DAYS, customers_at, outcomes
from ml.purchase.model import PurchaseModel, load


def measure(rivals: Rivals, twins: Twins) -> Judged | str:
    """The log loss of everybody known on the later cut, over the 30 days after it.

    A twin has seen no outcome after its cut, so neither is calibrated: each half of the customers is calibrated on the
    other, as the measures of a training are.
    """
    cut = max(date.fromisoformat(twins.champion_until), date.fromisoformat(twins.challenger_until))
    if cut + timedelta(days=HORIZON_DAYS) > rivals.as_of:
        return "the days after what the champion was measured on are too few"
    activity = read_happenings(rivals.settings)
    (is_buyer,) = outcomes(activity, rivals.as_of, cut)
    bought = is_buyer.astype(np.float64)
    losses = []
    for model in (twins.champion, twins.challenger):
        customers = customers_at(activity, cut, model.lookback)
        losses.append(log_losses(calibrated(model, model.forest.probability(model.rows(customers)), bought), bought))
    return Judged("log_loss", "lower", "customers", losses[0], losses[1])


def calibrated(model: PurchaseModel, raw: Floats, bought: Floats) -> Floats:
    """Probabilities in which no customer had a part in their own calibration."""
    return halves(raw, bought, lambda of, did, others: model.calibrated_on(of, did).calibrate(others))


JUDGE = Judge(load, measure)
