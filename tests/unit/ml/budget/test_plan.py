"""From what channels cost and bring to a plan, on rows that a reader can check."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd
import pytest

from lakehouse.settings import Settings, load_settings
from ml.budget.evaluate import evaluate
from ml.budget.features import Shares, channels_of
from ml.budget.plan import plans, standard_error, units_of
from ml.budget.score import rows_of


def returns(rows: list[tuple[str, str, int, int, float, float, float, float, float]]) -> pd.DataFrame:
    names = [
        "channel", "currency", "contact_count_30d", "contact_count_90d", "cost_per_contact", "return_per_contact",
        "return_standard_error", "revenue_30d_amount", "revenue_90d_amount",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=names)


#: 100 contacts of each lately, for 10 + 100; the mail brings 2 for 0.1, the call 3 for 1.
SHOP = returns(
    [
        ("call", "CNY", 100, 300, 1.0, 3.0, 0.5, 100.0, 900.0),
        ("mail", "CNY", 100, 200, 0.1, 2.0, 0.25, 250.0, 400.0),
    ]
)


def settings(**changes: object) -> Settings:
    return load_settings(**changes)


def test_a_channel_may_halve_or_double_and_never_by_parts_of_a_contact() -> None:
    rows = SHOP.assign(contact_count_30d=[5, 30])
    assert [(one.minimum, one.maximum) for one in channels_of(rows, Shares(0.5, 2.0))] == [(3, 10), (15, 60)]
    assert [(one.minimum, one.maximum) for one in channels_of(rows, Shares(0.1, 1.5))] == [(1, 7), (3, 45)]


def test_the_money_of_the_last_30_days_is_shared_out_by_default() -> None:
    (found,) = plans(SHOP, settings())

    assert found.budget == pytest.approx(110)
    # The mail doubles for 20; 90 are left for calls.
    assert found.allocation is not None
    assert [one.units for one in found.allocation.allotments] == [90, 200]
    # sqrt((90 x 0.5)^2 + (200 x 0.25)^2)
    assert standard_error(found) == pytest.approx((45**2 + 50**2) ** 0.5)
    call, mail = rows_of(found)
    assert (call["allocated_amount"], call["expected_return_amount"], call["bound"]) == (90, 270, "none")
    assert (mail["allocated_count"], mail["bound"], mail["shadow_price"]) == (200, "maximum", pytest.approx(1.7))
    assert (mail["budget_amount"], mail["budget_shadow_price"]) == (Decimal(110), pytest.approx(3.0))


def test_a_budget_that_does_not_pay_for_the_minima_leaves_a_plan_that_says_so() -> None:
    (found,) = plans(SHOP, settings(budget_amount=50))

    assert found.allocation is None
    rows = rows_of(found)
    assert [(row["allocated_count"], row["shadow_price"], row["budget_amount"]) for row in rows] == [
        (None, None, 50),
        (None, None, 50),
    ]
    assert "more than the budget of 50.00" in rows[0]["conflict"]
    (chinese,) = plans(SHOP, settings(budget_amount=50, language="zh"))
    assert "超过预算50.00" in rows_of(chinese)[0]["conflict"]
    assert {one.name: one.value for one in evaluate([found], settings())} == {"channels": 2, "feasible": 0}


def test_each_currency_has_its_own_budget_and_the_setting_is_for_the_one_most_spent() -> None:
    rows = pd.concat([SHOP, SHOP.assign(currency="EUR", contact_count_30d=10), SHOP.assign(currency=None).head(1)])
    rows.loc[rows["currency"].isna(), "contact_count_30d"] = 1

    found = {one.currency: one.budget for one in plans(rows, settings(budget_amount=150))}
    assert found == {"CNY": 150, "EUR": pytest.approx(11), None: pytest.approx(1)}


def test_the_plan_is_valued_at_returns_that_it_did_not_know() -> None:
    (found,) = plans(SHOP, settings())
    told = {one.name: one for one in evaluate([found], settings())}

    # As expected: 90 x 3 + 200 x 2, beside 100 x 3 + 100 x 2.
    assert (told["expected_return"].value, told["expected_return"].baseline_value) == (670, 500)
    # 31 to 90 days ago a call brought 800 / 200 = 4 for 1, a mail 150 / 100 = 1.5 for 0.1: 90 calls and 200 mails.
    # In the last 30 days they brought 1 and 2.5 each: 90 + 500, beside 100 + 250.
    assert (told["later_return"].value, told["later_return"].baseline_value) == (590, 350)
    assert "held out by time" in told["later_return"].split


def test_contacts_beyond_what_the_solver_writes_are_taken_as_continuous() -> None:
    rows = SHOP.assign(contact_count_30d=[100, 30_000_000])
    assert units_of(channels_of(rows, Shares(0.5, 2.0))) == "continuous"
    (found,) = plans(rows, settings())
    assert found.allocation is not None
    assert rows_of(found)[1]["allocated_count"] == 30_000_000 + 500  # the 50 that half of the calls set free
