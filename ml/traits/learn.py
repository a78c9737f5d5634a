"""Both models from what is known: each calibrated, and its thresholds set, on people that it did not learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ml.arrays import Flags, Floats, Ints, Texts
from ml.calibration import offset, sigmoid, slope
from ml.traits import names
from ml.traits.activity import Activity
from ml.traits.certainty import threshold
from ml.traits.features import (
    MOST_LOOKBACK_DAYS,
    SALES,
    Cuts,
    People,
    broad,
    common_tokens,
    has_interests,
    sales_by,
    shares,
    spent_after,
    thirds,
)
from ml.traits.fits import fit_habits, fit_spending, inverse_temperature
from ml.traits.gender import BEHAVIOUR, BOTH, NAME, Evidence, GenderModel, Parts
from ml.traits.spending import BANDS, SpendingModel, columns_of, softmax

FOLDS = 5
LEAST_OF_EACH = 50
"""People told to be of either gender, and as many of them with habits, to learn from."""
LEAST_BUYERS = 90
"""Who buy after the day to learn from and after the day to judge on."""
LEAST_NEWCOMERS = 20
"""Of the buyers to learn from, who had only looked before; with fewer the model says nothing of such customers."""
RIGHT = {"gender": 0.8, "spending_power": 0.6}
"""Of the values that are stated, the share that has to be right: four in five; for one of three bands, where chance
alone is right in one of three, three in five."""
LEAST_PROBABILITY = {"gender": 0.6, "spending_power": 0.4}
"""Below it no value is stated, however right the more certain ones are."""

Raw = tuple[Floats, Floats, Flags]


def is_learnable(seen: Activity, people: People, days: Cuts | None) -> bool:
    """Whether there is enough for either model."""
    return _is_enough(people.gender[people.is_told]) or (
        days is not None and all(_has_all_bands(part) for part in _slices(seen, days, (), days.horizon))
    )


@dataclass(frozen=True)
class Told:
    """People whose gender is told, in the order of their ids, with what else is known of them."""

    customer: Texts
    is_female: Floats
    evidence: Evidence
    raw: Raw
    """Of each, by parts that were learnt from four fifths of the others."""


def evidence_of(seen: Activity, people: People, edge: int, tokens: Sequence[str], has_names: bool) -> Evidence:
    """What is known of everybody by the edge; who was not seen has no shares, and nobody a name unless `has_names`."""
    of_seen = np.vstack([shares(seen, edge, tokens), np.zeros((1, len(tokens)))])
    is_active = np.r_[has_interests(seen, edge, tokens), False]
    none = np.full(len(people.ids), None, dtype=object)
    return Evidence(of_seen[people.place], is_active[people.place], people.given_name if has_names else none)


def some(evidence: Evidence, rows: Flags) -> Evidence:
    """The evidence of these rows."""
    return Evidence(evidence.shares[rows], evidence.has_behaviour[rows], evidence.given_name[rows])


def learn_gender(seen: Activity, people: People, edge: int, has_names: bool) -> tuple[GenderModel, Told] | None:
    """The model of everybody whose gender is told; None where these are too few of either."""
    tokens = common_tokens(seen, edge)
    is_told = people.is_told
    is_female = people.gender[is_told]
    if not _is_enough(is_female):
        return None
    evidence = some(evidence_of(seen, people, edge, tokens, has_names), is_told)
    if not _is_enough(is_female[evidence.has_behaviour]):
        tokens = ()
        evidence = Evidence(np.zeros((len(is_female), 0)), np.zeros(len(is_female), np.bool_), evidence.given_name)
    fold = np.arange(len(is_female)) % FOLDS
    raw = (np.zeros(len(is_female)), np.zeros(len(is_female)), np.zeros(len(is_female), dtype=np.bool_))
    for number in range(FOLDS):
        rest, own = fold != number, fold == number
        told = _fitted(some(evidence, rest), is_female[rest], tokens).raw(some(evidence, own))
        for whole, part in zip(raw, told, strict=True):
            whole[own] = part
    model = _fitted(evidence, is_female, tokens)
    of_others = Told(people.ids[is_told], is_female, evidence, raw)
    return calibrated(model, raw, evidence.has_behaviour, is_female), of_others


def _is_enough(is_female: Floats) -> bool:
    return min(is_female.sum(), (1 - is_female).sum()) >= LEAST_OF_EACH


def _fitted(evidence: Evidence, is_female: Floats, tokens: Sequence[str]) -> GenderModel:
    active = evidence.has_behaviour
    known = names.learnt(evidence.given_name, is_female)
    if not tokens:
        return GenderModel(tokens, np.zeros(0), 0.0, np.zeros(0), known)
    habits = evidence.shares[active]
    return GenderModel(tokens, *fit_habits(habits, is_female[active]), habits.mean(axis=0), known)


def calibrated(model: GenderModel, raw: Raw, has_behaviour: Flags, is_female: Floats) -> GenderModel:
    """The same parts with slopes, offsets and thresholds by these people, whom the parts of `raw` had not seen."""
    behaviour, ratio, has_name = raw
    prior = _log_odds(is_female)
    moved = replace(model, prior=prior)
    if has_behaviour.any():
        of_habits, label = behaviour[has_behaviour], is_female[has_behaviour]
        stretch = slope(of_habits, label)
        moved = replace(
            moved,
            prior_of_behaviour=_log_odds(label),
            slope=stretch,
            offset=offset(of_habits, label, stretch),
        )
    if has_name.any():
        named = _log_odds(is_female[has_name])
        of_names, label = ratio[has_name] + named, is_female[has_name]
        stretch = slope(of_names, label)
        # The odds of those with a known name are taken out again: what is left is the likelihood ratio.
        shift = stretch * named + offset(of_names, label, stretch) - named
        moved = replace(moved, name_slope=stretch, name_offset=shift)
    parts = moved.parts(raw, has_behaviour)
    return replace(moved, thresholds={kind: _threshold(parts, kind, is_female) for kind in (BEHAVIOUR, NAME, BOTH)})


def told_by(parts: Parts, kind: str) -> tuple[Flags, Floats]:
    """Who has this kind of evidence, or more, and their probability of a woman by that evidence alone."""
    behaviour, name = kind in (BEHAVIOUR, BOTH), kind in (NAME, BOTH)
    has = (parts.has_behaviour | (not behaviour)) & (parts.has_name | (not name))
    return np.asarray(has), sigmoid((parts.prior + behaviour * parts.behaviour + name * parts.name)[has])


def _threshold(parts: Parts, kind: str, is_female: Floats) -> float:
    has, woman = told_by(parts, kind)
    is_right = ((woman >= 0.5) == (is_female[has] > 0)).astype(np.float64)
    return threshold(np.maximum(woman, 1 - woman), is_right, RIGHT["gender"], LEAST_PROBABILITY["gender"])


def _log_odds(label: Floats) -> float:
    """Of the share of ones, half a row of each added."""
    ones = float(label.sum())
    return float(np.log((ones + 0.5) / (len(label) - ones + 0.5)))


@dataclass(frozen=True)
class Later:
    """Who bought after the day to judge on, with the model's scores of that day.

    Args:
        amount_so_far: spent in the time looked back on, NaN for who had bought nothing.
    """

    customer: Texts
    scores: Floats
    band: Ints
    amount_so_far: Floats
    edges: tuple[float, float]
    """Amounts from which on a customer was in the middle and in the highest third."""


def learn_spending(seen: Activity, days: Cuts, among: Flags | None = None) -> tuple[SpendingModel, Later] | None:
    """Learnt on the first cut, calibrated on the second; None where too few buy after either.

    Args:
        among: per seen customer, whether to learn from them; everybody where it is None.
    """
    lookback = min(MOST_LOOKBACK_DAYS, days.learn - seen.first_day + 1)
    tokens = broad(common_tokens(seen, days.learn))
    slices = _slices(seen, days, tokens, lookback, among)
    if not all(map(_has_all_bands, slices)):
        return None
    (_, columns, band, _), (customer, later_columns, later_band, spent) = slices
    has_newcomers = int((columns[:, len(SALES)] > 0).sum()) >= LEAST_NEWCOMERS
    model = replace(fit_spending(columns, band, tokens, lookback, days.horizon), knows_no_sales=has_newcomers)
    scores = model.scores(later_columns)
    edges = (float(spent[later_band == 1].min()), float(spent[later_band == 2].min()))
    so_far = np.expm1(later_columns[:, SALES.index("amount")])
    return tempered(model, scores, later_band), Later(customer, scores, later_band, so_far, edges)


Slice = tuple[Texts, Floats, Ints, Floats]


def _slices(
    seen: Activity, days: Cuts, tokens: Sequence[str], lookback: int, among: Flags | None = None
) -> list[Slice]:
    """Ids, columns, bands and amounts of the buyers after the day to learn from and after the one to judge on."""
    return [later_buyers(seen, cut, days.horizon, lookback, tokens, among) for cut in (days.learn, days.judge)]


def _has_all_bands(part: Slice) -> bool:
    band = part[2]
    return len(band) >= LEAST_BUYERS and len(set(band.tolist())) == len(BANDS)


def later_buyers(
    seen: Activity, cut: int, horizon: int, lookback: int, tokens: Sequence[str], among: Flags | None = None
) -> Slice:
    """Of who was known by the cut and bought after it: id, columns, band and amount.

    Args:
        among: per seen customer, whether to ask for them; the bands are thirds of those asked for.
    """
    columns, is_known = known_by(seen, cut, lookback, tokens)
    spent = spent_after(seen, cut, horizon)
    kept = is_known & ~np.isnan(spent)
    kept = kept if among is None else kept & among
    return seen.customers[kept], columns[kept], thirds(spent[kept]), spent[kept]


def known_by(seen: Activity, cut: int, lookback: int, tokens: Sequence[str]) -> tuple[Floats, Flags]:
    """The columns of all seen customers on the evening of the cut, and who had a look or a sale by then."""
    columns = columns_of(sales_by(seen, cut, lookback), shares(seen, cut, tokens))
    return columns, seen.is_seen(cut)


def tempered(model: SpendingModel, scores: Floats, band: Ints) -> SpendingModel:
    """The same model with slope and threshold by these customers, whom it was not learnt from."""
    stretch = inverse_temperature(scores, band)
    told = softmax(stretch * scores)
    is_right = (told.argmax(axis=1) == band).astype(np.float64)
    trait = "spending_power"
    enough = threshold(told.max(axis=1), is_right, RIGHT[trait], LEAST_PROBABILITY[trait])
    return replace(model, slope=stretch, threshold=enough)
