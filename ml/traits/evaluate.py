"""How far traits are right, by people and days that were not learnt from; each half calibrated on the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ml.arrays import Flags, Floats, Ints, Texts
from ml.measures import auc, expected_calibration_error, log_loss
from ml.registry import Metric
from ml.traits.features import thirds
from ml.traits.gender import BEHAVIOUR, NAME, GenderModel, Parts, probability
from ml.traits.learn import FOLDS, RIGHT, Later, Raw, Told, calibrated, tempered, told_by
from ml.traits.spending import BANDS, SpendingModel, softmax

OF_PEOPLE = "people whose gender is told, each fifth by the rest, each half calibrated on the other"
OF_DAYS = "the days after those learnt from, each half of the buyers calibrated on the other"
ALL = "all"
BINS = 10
BASE_RATE = "base_rate"
KINDS = {"gender": None, "gender_by_behaviour": BEHAVIOUR, "gender_by_name": NAME}
"""The beginning of a metric's name, and the kind of evidence that it is by; None for all that there is."""


@dataclass(frozen=True)
class Judged:
    """Rows that had no part in what is said of them.

    Args:
        probability: of the likeliest value.
        is_right: 1 where it is the true one, else 0.
        is_stated: whether it reaches the threshold.
    """

    probability: Floats
    is_right: Floats
    is_stated: Flags

    @property
    def right_share(self) -> float:
        """Of the stated ones, those that are right; 0 where none is stated."""
        return float(self.is_right[self.is_stated].mean()) if self.is_stated.any() else 0.0

    @property
    def unknown_share(self) -> float:
        return float(1.0 - self.is_stated.mean()) if len(self.is_stated) else 1.0


def reliability(judged: Judged) -> list[list[float]]:
    """Rows of [mean probability, share right, rows], of tenths of the rows by probability, the lowest first."""
    order = np.argsort(judged.probability, kind="stable")
    tenths = [part for part in np.array_split(order, BINS) if len(part)]
    return [
        [float(judged.probability[part].mean()), float(judged.is_right[part].mean()), float(len(part))]
        for part in tenths
    ]


def _rows(raw: Raw, rows: Flags) -> Raw:
    return raw[0][rows], raw[1][rows], raw[2][rows]


@dataclass(frozen=True)
class Half:
    """Of people: their parts as the other half calibrates them, whether they are women, and the other half's model."""

    customer: Texts
    parts: Parts
    is_female: Floats
    model: GenderModel


def halves(model: GenderModel, told: Told) -> list[Half]:
    """Fives of people in the order of their ids, every other five in one half, so that each has rows of all folds."""
    odd = np.arange(len(told.is_female)) // FOLDS % 2 == 1
    found = []
    for part in (odd, ~odd):
        own, rest = (_rows(told.raw, rows) for rows in (part, ~part))
        has = told.evidence.has_behaviour
        other = calibrated(model, rest, has[~part], told.is_female[~part])
        found.append(Half(told.customer[part], other.parts(own, has[part]), told.is_female[part], other))
    return found


def judged_gender(both: Sequence[Half], kind: str | None = None) -> tuple[Judged, Floats, Floats]:
    """What is said by one kind of evidence of all who have it, by default of everybody by whatever there is of them.

    Returns:
        what is said, the probabilities of a woman, and 1 for women.
    """
    women, labels, needed = [], [], []
    for half in both:
        if kind is None:
            women.append(probability(half.parts))
            labels.append(half.is_female)
            needed.append(half.model.needed(half.parts.kind))
        else:
            has, woman = told_by(half.parts, kind)
            women.append(woman)
            labels.append(half.is_female[has])
            needed.append(np.full(len(woman), half.model.thresholds[kind]))
    woman, label = np.concatenate(women), np.concatenate(labels)
    return said_of(woman, label, np.concatenate(needed)), woman, label


def judged_people(both: Sequence[Half], kind: str | None = None) -> Texts:
    """Whose the rows of `judged_gender` are."""
    own = [half.customer if kind is None else half.customer[told_by(half.parts, kind)[0]] for half in both]
    return np.concatenate(own)


def said_of(woman: Floats, is_female: Floats, needed: Floats) -> Judged:
    """Of probabilities of a woman, beside what is true."""
    likeliest = np.maximum(woman, 1 - woman)
    return Judged(likeliest, ((woman >= 0.5) == (is_female > 0)).astype(np.float64), likeliest >= needed)


def judged_spending(model: SpendingModel, later: Later) -> tuple[Judged, Floats, Ints]:
    """What is said of the buyers of the days to judge on, each half with slope and threshold of the other.

    Returns:
        what is said, rows x bands, and the true bands.
    """
    odd = np.arange(len(later.band)) % 2 == 1
    told, needed = np.zeros(later.scores.shape), np.zeros(len(later.band))
    for part in (odd, ~odd):
        other = tempered(model, later.scores[~part], later.band[~part])
        told[part], needed[part] = softmax(other.slope * later.scores[part]), other.threshold
    likeliest = told.max(axis=1)
    is_right = (told.argmax(axis=1) == later.band).astype(np.float64)
    return Judged(likeliest, is_right, likeliest >= needed), told, later.band


def so_far_and_high(later: Later) -> tuple[Floats, Floats]:
    """What each buyer had spent before, and 1 for who was in the highest third after."""
    return np.nan_to_num(later.amount_so_far, nan=0.0), (later.band == len(BANDS) - 1).astype(np.float64)


def gender_metrics(model: GenderModel, both: Sequence[Half]) -> list[Metric]:
    """By all evidence, by behaviour alone and by the name alone, beside the share of women for everybody."""
    metrics: list[Metric] = []
    for prefix, kind in KINDS.items():
        judged, woman, label = judged_gender(both, kind)
        if not len(label):
            continue
        flat = np.full(len(label), float(label.mean()))
        metrics += [
            Metric(f"{prefix}_log_loss", log_loss(woman, label), BASE_RATE, log_loss(flat, label), OF_PEOPLE),
            Metric(f"{prefix}_auc", auc(woman, label), BASE_RATE, 0.5, OF_PEOPLE),
            Metric(f"{prefix}_calibration_error", expected_calibration_error(woman, label), split=OF_PEOPLE),
            *_stated(prefix, judged, "gender", OF_PEOPLE),
        ]
    metrics += [
        Metric(f"gender_{kind.replace(' ', '_')}_threshold", needed, split=OF_PEOPLE)
        for kind, needed in model.thresholds.items()
    ]
    return [*metrics, Metric("gender_people", float(sum(len(half.is_female) for half in both)), split=OF_PEOPLE)]


def gender_curves(both: Sequence[Half]) -> dict[str, list[list[float]]]:
    """`reliability` by kind of evidence: all that there is of each person, and behaviour or the name alone."""
    kinds = {ALL: None, BEHAVIOUR: BEHAVIOUR, NAME: NAME}
    return {said: reliability(judged_gender(both, kind)[0]) for said, kind in kinds.items()}


def spending_metrics(model: SpendingModel, later: Later) -> list[Metric]:
    """Beside a third for each band, and beside the third that a customer was in by what they spent so far."""
    judged, told, band = judged_spending(model, later)
    one = np.arange(len(band))
    loss = float(-np.log(np.maximum(told[one, band], 1e-15)).mean())
    so_far, high = so_far_and_high(later)
    rates = np.bincount(band, minlength=len(BANDS)) / len(band)
    same = float((thirds(so_far) == band).mean())
    return [
        Metric("spending_log_loss", loss, BASE_RATE, float(-np.log(rates[band]).mean()), OF_DAYS),
        Metric("spending_accuracy", float(judged.is_right.mean()), "same third as so far", same, OF_DAYS),
        Metric("spending_high_auc", auc(told[:, -1], high), "spending so far", auc(so_far, high), OF_DAYS),
        Metric(
            "spending_calibration_error",
            expected_calibration_error(judged.probability, judged.is_right),
            split=OF_DAYS,
        ),
        *_stated("spending", judged, "spending_power", OF_DAYS),
        Metric("spending_threshold", model.threshold, split=OF_DAYS),
        Metric("spending_buyers", float(len(band)), split=OF_DAYS),
    ]


def _stated(prefix: str, judged: Judged, trait: str, split: str) -> list[Metric]:
    return [
        Metric(f"{prefix}_right_share", judged.right_share, "wanted", RIGHT[trait], split),
        Metric(f"{prefix}_unknown_share", judged.unknown_share, split=split),
    ]
