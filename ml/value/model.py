"""The value model: the parameters of BG/NBD and of Gamma-Gamma, as one JSON file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ml.value import bgnbd, gammagamma
from ml.value.bgnbd import BgNbd
from ml.value.features import Purchases, purchases
from ml.value.gammagamma import GammaGamma
from ml.value.likelihood import Floats

HORIZONS = (90, 365)
"""Days ahead."""
LEAST_REPEAT_BUYERS = 10
"""Fewer who came back (or, for the value, who paid for it) tell nothing about seven parameters."""


@dataclass(frozen=True)
class ValueModel:
    """How often and for how much.

    Args:
        orders: times in days.
        amounts: None where too few repeat purchases had a value; then everybody is expected to spend `mean_amount`.
        mean_amount: mean over the repeat buyers of their mean value, 0 where nobody paid.
    """

    orders: BgNbd
    amounts: GammaGamma | None
    mean_amount: float

    def order_amount(self, customers: Purchases) -> Floats:
        """What each customer is expected to spend on a day with a purchase."""
        if self.amounts is None:
            return np.full(len(customers), self.mean_amount)
        return self.amounts.expected_value(customers.x, customers.value)

    def expected_orders(self, customers: Purchases, days: float) -> Floats:
        """On how many of the next `days` each customer is expected to buy."""
        return self.orders.expected_orders(customers.x, customers.t_x, customers.age, days)

    def told(self, customers: Purchases) -> pd.DataFrame:
        """The predictions, a row per customer, in the columns of `ml.customer_value` between its id and its version."""
        amount = self.order_amount(customers)
        counts = {days: self.expected_orders(customers, days) for days in HORIZONS}
        return pd.DataFrame(
            {
                **{f"expected_order_count_{days}d": count for days, count in counts.items()},
                "expected_order_amount": amount,
                **{f"expected_value_{days}d_amount": count * amount for days, count in counts.items()},
                "alive_probability": self.orders.alive_probability(customers.x, customers.t_x, customers.age),
            }
        )

    def predict(self, rows: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """`told` of rows of order_day_count, tenure_days, recency_days, repeat_net_amount."""
        return self.told(purchases(rows))

    def save(self, folder: Path) -> None:
        """Write `value.json`."""
        (folder / "value.json").write_text(json.dumps(asdict(self), indent=1))


def can_be_learnt(customers: Purchases) -> bool:
    """Whether enough customers came back to say anything about the others."""
    return int((customers.x > 0).sum()) >= LEAST_REPEAT_BUYERS


def learn(customers: Purchases) -> ValueModel:
    """Both models by maximum likelihood; needs customers of whom `can_be_learnt` holds."""
    valued = customers.is_valued
    x, value = customers.x[valued], customers.value[valued]
    return ValueModel(
        bgnbd.fit(customers.x, customers.t_x, customers.age),
        gammagamma.fit(x, value) if len(x) >= LEAST_REPEAT_BUYERS else None,
        float(value.mean()) if len(value) else 0.0,
    )


def load(folder: Path) -> ValueModel:
    """The model that `save` wrote."""
    return from_content(json.loads((folder / "value.json").read_text()))


def from_content(content: dict[str, Any]) -> ValueModel:
    """The model of which `dataclasses.asdict` gave this."""
    amounts = content["amounts"]
    return ValueModel(
        BgNbd(**content["orders"]), None if amounts is None else GammaGamma(**amounts), content["mean_amount"]
    )


def _load_pyfunc(path: str) -> ValueModel:
    """MLflow's entry point."""
    return load(Path(path))
