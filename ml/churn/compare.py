"""Which of two churn models is nearer to what became of customers: Brier scores after both cuts."""

from __future__ import annotations

import numpy as np

from ml.arrays import Floats
from ml.churn.activity import read_activity
from ml.churn.evaluate import brier_errors, over_time
from ml.churn.features import HORIZON, Landmark, landmark
from ml.churn.leaving import leaving
from ml.churn.model import ChurnModel, load
from ml.comparisons import Judge, Rivals, Twins
from ml.promotion import Judged


def measure(rivals: Rivals, twins: Twins) -> Judged | str:
    """The integrated Brier score of everybody at risk on the later cut, followed to the day of the run.

    Who has left since is as likely as all that is known by that day makes it; both ends of a customer are one unit.
    """
    seen = read_activity(rivals.settings, rivals.as_of)
    until, cut = rivals.as_of.toordinal(), max(int(twins.champion_until), int(twins.challenger_until))
    if cut >= until:
        return "no day is later than what the champion was measured on"
    silence = twins.challenger.silence
    later = landmark(seen, cut, until, silence, leaving(seen, until, silence))
    errors = [errors_of(model, later, min(HORIZON, until - cut)) for model in (twins.champion, twins.challenger)]
    return Judged("integrated_brier_score", "lower", "buyers at risk", errors[0], errors[1])


def errors_of(model: ChurnModel, later: Landmark, followed: int) -> Floats:
    """The integrated squared error of each customer's curve, in the order of their ids."""
    days = np.arange(1.0, followed + 1.0)
    survival = model.survival(later.covariates)[:, 1 : followed + 1]
    errors = over_time(brier_errors(survival, later.duration, later.event_observed, days, later.weight), days)
    _, whose = np.unique(later.user, return_inverse=True)
    return np.bincount(whose, errors * later.weight) / np.bincount(whose, later.weight)


JUDGE = Judge(load, measure)
