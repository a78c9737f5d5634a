"""The last days of every customer, as a fit on the days before foretold them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ml.arrays import Floats
from ml.held_out import HeldOut, of_amounts
from ml.intervals import Measure, mean, root_mean, share


def held_out(
    customer: npt.NDArray[np.object_], is_within: Floats, **foretold: tuple[Floats, Floats, Floats]
) -> HeldOut:
    """One row per customer.

    Args:
        is_within: 1 where as many orders came as the interval of their count has.
        foretold: `orders` and `spending`, each as foretold, as the baseline has it, and as it came.
    """
    measures: dict[str, tuple[Measure, Measure | None]] = {"order_count_interval_coverage": (share(is_within), None)}
    for name, (told, same, truth) in foretold.items():
        measures[f"{name}_mae"] = mean(np.abs(told - truth)), mean(np.abs(same - truth))
        measures[f"{name}_rmse"] = root_mean((told - truth) ** 2), root_mean((same - truth) ** 2)
        measures[f"{name}_per_customer"] = mean(told), mean(truth)
    told, _, truth = foretold["orders"]
    shown = {name: (told, truth) for name, (told, _, truth) in foretold.items()}
    return HeldOut(customer, measures, of_amounts(told, truth), drawn=shown)
