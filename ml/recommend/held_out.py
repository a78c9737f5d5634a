"""The customers that judge, with what each method's ten were worth to them."""

from __future__ import annotations

from ml.held_out import HeldOut
from ml.intervals import Measure, mean, share
from ml.recommend.evaluate import BY_CUSTOMER, Judged

BASELINE = "popularity"


def held_out(judged: Judged) -> HeldOut | None:
    """One row per customer; None where nobody could judge."""
    if not judged.by_customer:
        return None
    popular, served = judged.by_customer[BASELINE], judged.by_customer[judged.serves]
    measures: dict[str, tuple[Measure, Measure | None]] = {}
    for method, told in {"": served, **{f"{name}_": told for name, told in judged.by_customer.items()}}.items():
        for place, name in enumerate(BY_CUSTOMER):
            measures[f"{method}{name}"] = mean(told[:, place]), mean(popular[:, place])
    by_group = {
        "nDCG@10": share(served[:, 0]),
        "recall@10": share(served[:, 1]),
        "lead of nDCG@10 over popularity": mean(served[:, 0] - popular[:, 0]),
    }
    return HeldOut(judged.who, measures, by_group)
