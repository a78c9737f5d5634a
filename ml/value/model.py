"""The value model: the parameters of BG/NBD and of Gamma-Gamma, as one JSON file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ml.arrays import Floats
from ml.value import bgnbd, gammagamma
from ml.value.bgnbd import BgNbd
from ml.value.features import Purchases, purchases
from ml.value.gammagamma import GammaGamma
from ml.value.season import QUARTERS, exposure, seasonal
from ml.value.spread import Z, covariance, log_error, order_counts

HORIZONS = (90, 365)
"""Days ahead."""
NO_SEASON = np.ones(len(QUARTERS))
NODES_OF_ERRORS = 16
"""A standard error need not be right to seven places."""
LEAST_REPEAT_BUYERS = 10
"""Fewer who came back (or, for the value, who paid for it) tell nothing about seven parameters."""


@dataclass(frozen=True)
class ValueModel:
    """How often and for how much.

    Args:
        orders: times in days.
        amounts: None where too few repeat purchases had a value; then everybody is expected to spend `mean_amount`.
        mean_amount: mean over the repeat buyers of their mean value, 0 where nobody paid.
        orders_covariance, amounts_covariance: of the logarithms of the parameters of either.
    """

    orders: BgNbd
    amounts: GammaGamma | None
    mean_amount: float
    orders_covariance: Floats
    amounts_covariance: Floats | None

    def order_amount(self, customers: Purchases) -> Floats:
        """What each customer is expected to spend on a day with a purchase."""
        if self.amounts is None:
            return np.full(len(customers), self.mean_amount)
        return self.amounts.expected_value(customers.x, customers.value)

    def expected_orders(self, customers: Purchases, days: float, factors: Floats = NO_SEASON) -> Floats:
        """On how many of the next `days` each customer is expected to buy, by the season's factors."""
        return seasonal(self.orders, customers, factors, days)

    def expected_value(self, customers: Purchases, days: float) -> Floats:
        """What each customer is expected to spend in the next `days` of a usual season."""
        return self.expected_orders(customers, days) * self.order_amount(customers)

    def told(self, customers: Purchases, factors: Floats = NO_SEASON) -> pd.DataFrame:
        """The predictions, a row per customer, in the columns of `ml.customer_value` between its id and its version."""
        amount = self.order_amount(customers)
        amount_error = self._amount_error(customers)
        told: dict[str, Any] = {
            "expected_order_amount": amount,
            "alive_probability": self.orders.alive_probability(customers.x, customers.t_x, customers.age),
        }
        for days in HORIZONS:
            count, error = self.expected_orders(customers, days, factors), self._order_error(customers, days)
            least, most = order_counts(
                self.orders, customers.x, customers.t_x, customers.age, exposure(factors, float(days))
            )
            told |= {
                f"expected_order_count_{days}d": count,
                f"expected_order_count_{days}d_low": count * np.exp(-Z * error),
                f"expected_order_count_{days}d_high": count * np.exp(Z * error),
                f"expected_value_{days}d_amount": count * amount,
                f"expected_value_{days}d_low_amount": count * amount * np.exp(-Z * np.hypot(error, amount_error)),
                f"expected_value_{days}d_high_amount": count * amount * np.exp(Z * np.hypot(error, amount_error)),
                f"order_count_{days}d_low": least,
                f"order_count_{days}d_high": most,
            }
        return pd.DataFrame(told)

    def _order_error(self, customers: Purchases, days: int) -> Floats:
        """Of the logarithm of the expected orders; the season's factor moves it up or down and no more."""

        def expected(logs: Floats) -> Floats:
            r, alpha, a, b = (float(parameter) for parameter in np.exp(logs))
            known = customers.x, customers.t_x, customers.age
            return np.maximum(BgNbd(r, alpha, a, b).expected_orders(*known, days, NODES_OF_ERRORS), 1e-300)

        return log_error(expected, self.orders.logs(), self.orders_covariance)

    def _amount_error(self, customers: Purchases) -> Floats:
        """Of the logarithm of the expected amount."""
        if self.amounts is None or self.amounts_covariance is None:
            return np.zeros(len(customers))
        return log_error(
            lambda logs: gammagamma.of_logs(logs).expected_value(customers.x, customers.value),
            self.amounts.logs(),
            self.amounts_covariance,
        )

    def predict(self, rows: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """`told` of rows of order_day_count, tenure_days, recency_days, repeat_net_amount, in a usual season."""
        return self.told(purchases(rows))

    def content(self) -> dict[str, Any]:
        """What `from_content` makes the model of, as JSON can say it."""
        return {
            **asdict(self),
            "orders_covariance": self.orders_covariance.tolist(),
            "amounts_covariance": None if self.amounts_covariance is None else self.amounts_covariance.tolist(),
        }

    def save(self, folder: Path) -> None:
        """Write `value.json`."""
        (folder / "value.json").write_text(json.dumps(self.content(), indent=1))


def can_be_learnt(customers: Purchases) -> bool:
    """Whether enough customers came back to say anything about the others."""
    return int((customers.x > 0).sum()) >= LEAST_REPEAT_BUYERS


def learn(customers: Purchases) -> ValueModel:
    """Both models by maximum likelihood; needs customers of whom `can_be_learnt` holds."""
    known = customers.x, customers.t_x, customers.age
    orders = bgnbd.fit(*known)
    valued = customers.is_valued
    x, value = customers.x[valued], customers.value[valued]
    amounts = gammagamma.fit(x, value) if len(x) >= LEAST_REPEAT_BUYERS else None
    return ValueModel(
        orders,
        amounts,
        float(value.mean()) if len(value) else 0.0,
        covariance(bgnbd.likelihood_of(*known), orders.logs()),
        None if amounts is None else covariance(gammagamma.likelihood_of(x, value), amounts.logs()),
    )


def load(folder: Path) -> ValueModel:
    """The model that `save` wrote."""
    return from_content(json.loads((folder / "value.json").read_text()))


def from_content(content: dict[str, Any]) -> ValueModel:
    """The model whose `content` this is."""
    amounts, of_amounts = content["amounts"], content["amounts_covariance"]
    return ValueModel(
        BgNbd(**content["orders"]),
        None if amounts is None else GammaGamma(**amounts),
        content["mean_amount"],
        np.array(content["orders_covariance"]),
        None if of_amounts is None else np.array(of_amounts),
    )


def _load_pyfunc(path: str) -> ValueModel:
    """MLflow's entry point."""
    return load(Path(path))
