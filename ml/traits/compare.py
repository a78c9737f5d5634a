"""Which of two models says more of the traits of people: log loss of a fifth whom neither twin has seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ml.arrays import Flags, Floats, Ints
from ml.comparisons import Judge, Rivals, Twins
from ml.held_out import is_held_out
from ml.measures import log_losses
from ml.promotion import Judged
from ml.traits.activity import Activity
from ml.traits.features import Cuts, People, read_both
from ml.traits.gender import GenderModel, probability
from ml.traits.learn import evidence_of, later_buyers, learn_gender, learn_spending, some
from ml.traits.model import TraitsModel, load
from ml.traits.spending import BANDS, SpendingModel, softmax

UNTOLD = float(np.log(2)), float(np.log(len(BANDS)))
"""The loss of a model that knows nothing of the gender, or of the spending."""


def learnt_without(seen: Activity, people: People, days: Cuts | None, has_names: bool) -> TraitsModel:
    """Both models of everybody but those held out, as known on the last day of `seen`."""
    out = is_held_out(people.ids)
    told = replace(people, gender=np.where(out, np.nan, people.gender))
    gender = learn_gender(seen, told, seen.edges[-1], has_names)
    spending = None if days is None else learn_spending(seen, days, ~is_held_out(seen.customers))
    return TraitsModel(gender and gender[0], spending and spending[0])


def measure(rivals: Rivals, twins: Twins) -> Judged | str:
    """The log loss of each held-out person, of the gender that a source tells and of the third of the later spending.

    Who has both counts once, with the sum. Spending is that of the newest days, foretold on the evening before them.
    """
    seen, people, days = read_both(rivals.settings, rivals.as_of)
    asked = people.is_told & is_held_out(people.ids)
    has_names = rivals.settings.gender_from_names
    ends = []
    for model in (twins.champion, twins.challenger):
        parts = [_of_gender(model.gender, seen, people, asked, has_names)]
        if days is not None:
            parts.append(_of_spending(model.spending, seen, people, days))
        whose, losses = (np.concatenate(one) for one in zip(*parts, strict=True))
        ends.append(np.bincount(whose, losses, minlength=len(people.ids))[np.unique(whose)])
    if not len(ends[0]):
        return "of nobody held out is the gender told or the spending known"
    return Judged("log_loss", "lower", "held-out people", ends[0], ends[1])


def _of_gender(
    model: GenderModel | None, seen: Activity, people: People, asked: Flags, has_names: bool
) -> tuple[Ints, Floats]:
    """Positions in `people` and losses."""
    whose = np.flatnonzero(asked)
    if model is None:
        return whose, np.full(len(whose), UNTOLD[0])
    evidence = some(evidence_of(seen, people, seen.edges[-1], model.tokens, has_names), asked)
    woman = probability(model.parts(model.raw(evidence), evidence.has_behaviour))
    return whose, log_losses(woman, people.gender[asked])


def _of_spending(model: SpendingModel | None, seen: Activity, people: People, days: Cuts) -> tuple[Ints, Floats]:
    """Positions in `people` and losses."""
    lookback, tokens = (days.judge, ()) if model is None else (model.lookback, model.tokens)
    buyers, columns, band, _ = later_buyers(seen, days.judge, days.horizon, lookback, tokens)
    is_asked = is_held_out(buyers)
    whose = np.searchsorted(people.ids, buyers[is_asked])
    if model is None:
        return whose, np.full(len(whose), UNTOLD[1])
    told = softmax(model.slope * model.scores(columns[is_asked]))
    return whose, -np.log(np.maximum(told[np.arange(len(whose)), band[is_asked]], 1e-15))


JUDGE = Judge(load, measure)
