"""nDCG@10 by method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ml.plots import bars
from ml.registry import Metric

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def methods_plot(metrics: Sequence[Metric]) -> Figure:
    """A bar for every method that was measured, its baseline first."""
    told: dict[str, float] = {}
    for metric in metrics:
        if metric.name.endswith("ndcg_at_10"):
            if metric.baseline is not None and metric.baseline_value is not None:
                told.setdefault(metric.baseline, metric.baseline_value)
            told[metric.name.removesuffix("ndcg_at_10").strip("_") or "served"] = metric.value
    return bars("Recommendations", "nDCG@10", told)
