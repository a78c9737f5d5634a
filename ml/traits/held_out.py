"""What was said of people whose gender is told, each by the others, and of the buyers of the days after.

The measures are those of `evaluate.gender_metrics` and `evaluate.spending_metrics`, of the same rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ml.arrays import Floats
from ml.held_out import HeldOut, of_chances
from ml.intervals import Measure, auc, calibration_error, mean, share
from ml.measures import log_losses
from ml.traits.evaluate import KINDS, Half, Judged, judged_gender, judged_people, judged_spending, so_far_and_high
from ml.traits.features import thirds
from ml.traits.learn import RIGHT, Later
from ml.traits.spending import BANDS, SpendingModel

Measures = dict[str, tuple[Measure, Measure | None]]


def gender_held_out(both: Sequence[Half]) -> list[HeldOut]:
    """A part per kind of evidence that anybody has, a row per person; groups are compared by all evidence together.

    Gender is what is foretold, so it is no group to compare by.
    """
    parts = []
    for prefix, kind in KINDS.items():
        judged, woman, label = judged_gender(both, kind)
        if not len(label):
            continue
        flat = np.full(len(label), float(label.mean()))
        measures: Measures = {
            f"{prefix}_log_loss": (mean(log_losses(woman, label)), mean(log_losses(flat, label))),
            f"{prefix}_auc": (auc(woman, label), share(np.full(len(label), 0.5))),
            f"{prefix}_calibration_error": (calibration_error(woman, label), None),
            **_stated(prefix, judged, RIGHT["gender"]),
        }
        by_group = {**of_chances(woman, label), **_stated_by_group(judged)} if kind is None else {}
        named = {f"women: {name}": measure for name, measure in by_group.items()}
        drawn = {f"{prefix}_female": (woman, label)}
        parts.append(HeldOut(judged_people(both, kind), measures, named, foretold=("gender",), drawn=drawn))
    return parts


def spending_held_out(model: SpendingModel, later: Later) -> HeldOut:
    """One row per buyer of the later days; groups are compared by the chance of the highest band."""
    judged, told, band = judged_spending(model, later)
    rows = np.arange(len(band))
    so_far, high = so_far_and_high(later)
    rates = np.bincount(band, minlength=len(BANDS)) / len(band)
    losses = -np.log(np.maximum(told[rows, band], 1e-15))
    measures: Measures = {
        "spending_log_loss": (mean(losses), mean(-np.log(rates[band]))),
        "spending_accuracy": (share(judged.is_right), share((thirds(so_far) == band).astype(np.float64))),
        "spending_high_auc": (auc(told[:, -1], high), auc(so_far, high)),
        "spending_calibration_error": (calibration_error(judged.probability, judged.is_right), None),
        **_stated("spending", judged, RIGHT["spending_power"]),
    }
    by_group = {**of_chances(told[:, -1], high), **_stated_by_group(judged)}
    named = {f"high spending: {name}": one for name, one in by_group.items()}
    return HeldOut(later.customer, measures, named, drawn={"high_spending": (told[:, -1], high)})


def _stated(prefix: str, judged: Judged, wanted: float) -> Measures:
    right, same = _of_stated(judged, judged.is_right), _of_stated(judged, np.full(len(judged.is_right), wanted))
    return {f"{prefix}_right_share": (right, same), f"{prefix}_unknown_share": (share(1.0 - judged.is_stated), None)}


def _stated_by_group(judged: Judged) -> dict[str, Measure]:
    return {
        "stated": share(judged.is_stated.astype(np.float64)),
        "right where stated": _of_stated(judged, judged.is_right),
    }


def _of_stated(judged: Judged, values: Floats) -> Measure:
    """The mean of the stated rows alone."""
    return replace(share(values), weight=judged.is_stated.astype(np.float64))
