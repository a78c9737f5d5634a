"""The optimum, its prices and its failures: by hand, and against HiGHS."""

from __future__ import annotations

import pytest

from benchmarks.evaluations import budget as judged
from lakehouse.errors import InputError
from ml.budget.allocate import allocate
from ml.budget.channels import MOST_WHOLE, Channel, InfeasibleBudget, UnboundedBudget, Units

CASES = 150


@pytest.mark.parametrize("units", ["whole", "continuous"])
def test_the_worked_case_of_three_channels_reaches_its_known_optimum(units: Units) -> None:
    found = allocate(judged.WORKED, 1_130_000, units)

    assert [one.units for one in found.allotments] == [10_000, 2250, 15_000]
    assert found.total_return == pytest.approx(84_125, abs=1e-9)
    assert found.spent == 1_130_000
    assert [one.bound for one in found.allotments] == ["maximum", "none", "maximum"]
    # The second takes the next unit of money: 4.5 / 80; the others forgo it: 3.2 - 50 and 2.8 - 30 times that.
    assert found.shadow_price == pytest.approx(0.05625)
    assert [one.shadow_price for one in found.allotments] == pytest.approx([0.3875, 0, 1.1125])
    assert found.one_more == pytest.approx(0 if units == "whole" else 0.05625)


def test_a_minimum_that_is_not_worth_it_has_a_negative_price() -> None:
    found = allocate([Channel("good", 1, 5, 0, 1000), Channel("poor", 2, 4, 10, 100)], 500, "continuous")

    assert [one.units for one in found.allotments] == [480, 10]
    poor = found.allotments[1]
    # One more of the poor: 4 gained, 2 of money taken from the good at 5 each.
    assert (poor.bound, poor.shadow_price) == ("minimum", pytest.approx(-6))
    higher = allocate([Channel("good", 1, 5, 0, 1000), Channel("poor", 2, 4, 11, 100)], 500, "continuous")
    assert higher.total_return - found.total_return == pytest.approx(poor.shadow_price)


def test_a_budget_that_pays_for_every_maximum_to_the_cent_is_worth_nothing_more() -> None:
    channels = [Channel("a", 0.1, 1, 0, 3), Channel("b", 0.7, 2, 0, 1)]

    for budget in (1.0, 50.0):
        found = allocate(channels, budget, "continuous")
        assert (found.shadow_price, found.one_more) == (0, 0)
        assert [one.shadow_price for one in found.allotments] == [1, 2]
    assert allocate(channels, 0.99, "continuous").shadow_price == pytest.approx(2 / 0.7)


def test_whole_units_are_not_split_and_what_is_left_goes_where_it_still_brings_most() -> None:
    channels = [Channel("large", 7, 10, 0, 9), Channel("small", 3, 4, 0, 9)]

    # 20 / 7 = 2.86: two of the large leave 6 for two of the small, 28; the large alone would bring 20.
    found = allocate(channels, 20, "whole")
    assert [one.units for one in found.allotments] == [2, 2]
    assert allocate(channels, 20, "continuous").total_return == pytest.approx(200 / 7)
    # A budget of 21 pays for three of the large: 30.
    assert found.one_more == pytest.approx(2)


def test_a_channel_that_does_harm_or_brings_nothing_gets_its_minimum() -> None:
    found = allocate([Channel("harm", 1, -2, 3, 9), Channel("free harm", 0, -1, 2, 9)], 100)

    assert [one.units for one in found.allotments] == [3, 2]
    assert [one.shadow_price for one in found.allotments] == [-2, -1]


def test_digits_that_cbc_does_not_write_are_not_lost() -> None:
    found = allocate(judged.WORKED, 1_130_000.123456, "continuous")

    assert found.spent == pytest.approx(1_130_000.123456, abs=1e-9)
    assert found.total_return == pytest.approx(84_125 + 0.123456 * 4.5 / 80, abs=1e-9)


@pytest.mark.parametrize(
    ("channels", "budget", "conflict"),
    [
        ([Channel("a", 1, 1, 5, 3), Channel("b", 9, 1, 90)], 10, "the minimum of a, 5, is above its maximum, 3"),
        ([Channel("a", 1, 1, 2.2, 2.8)], 10, "no whole number lies between minimum and maximum of a, 2.2 and 2.8"),
        (
            [Channel("a", 10, 1, 100), Channel("b", 1, 1, 5)],
            990,
            "the minimum of a (100 at 10) costs 1,000.00, more than the budget of 990.00: lower a minimum, or raise "
            "the budget to 1,005.00, what all minima cost",
        ),
        (
            [Channel("a", 10, 1, 60), Channel("b", 1, 1, 5), Channel("c", 5, 1, 100)],
            1000,
            "the minima of c (100 at 5) and a (60 at 10) together cost 1,100.00, more than the budget of 1,000.00: "
            "lower a minimum, or raise the budget to 1,105.00, what all minima cost",
        ),
        (
            [Channel("a", 10, 1, 99.5)],
            999,
            "the minimum of a (100 at 10) costs 1,000.00, more than the budget of 999.00: lower a minimum, or raise "
            "the budget to 1,000.00, what all minima cost",
        ),
        (
            [Channel("a", 0.28130001, 1, 96)],
            20,
            "the minimum of a (96 at 0.2813) costs 27.00, more than the budget of 20.00: lower a minimum, or raise "
            "the budget to 27.01, what all minima cost",
        ),
    ],
)
def test_limits_in_conflict_are_named_and_none_too_many(channels: list[Channel], budget: float, conflict: str) -> None:
    with pytest.raises(InfeasibleBudget) as raised:
        allocate(channels, budget)
    assert raised.value.conflict == conflict


def test_minima_that_cost_exactly_the_budget_are_no_conflict() -> None:
    found = allocate([Channel("a", 0.1, 1, 1, 5), Channel("b", 0.2, 1, 1, 5)], 0.1 + 0.2, "continuous")
    assert [one.units for one in found.allotments] == [1, 1]


@pytest.mark.parametrize(
    ("channels", "budget", "said"),
    [
        ([Channel("a", 1, 1), Channel("b", 1, 1, 0, 5)], None, "a could bring ever more.*or a total budget"),
        ([Channel("free", 0, 1), Channel("b", 1, 1, 0, 5)], 100, "free could bring ever more.*give it a maximum$"),
    ],
)
@pytest.mark.parametrize("units", ["whole", "continuous"])
def test_a_return_without_an_end_is_said_to_have_none(
    channels: list[Channel], budget: float | None, said: str, units: Units
) -> None:
    with pytest.raises(UnboundedBudget, match=said):
        allocate(channels, budget, units)


@pytest.mark.parametrize(
    ("channels", "budget", "said"),
    [
        ([Channel("a", -1, 1)], 5, "channel a: the cost must be a number of 0 or more, not -1"),
        ([Channel("a", 1, float("nan"))], 5, "channel a: the return must be a number"),
        ([Channel("a", 1, 1, -2)], 5, "channel a: the minimum"),
        ([Channel("a", 1, 1, 0, float("inf"))], 5, "channel a: the maximum"),
        ([Channel("a", 1, 1), Channel("a", 2, 1)], 5, "channel a is given twice"),
        ([Channel("a", 1, 1)], -5, "the budget must be a number of 0 or more, not -5"),
        ([Channel("a", 1, 1, 0, 2 * MOST_WHOLE)], 5, "too large for whole units"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(channels: list[Channel], budget: float, said: str) -> None:
    with pytest.raises(InputError, match=said):
        allocate(channels, budget)


def test_without_channels_nothing_is_spent() -> None:
    found = allocate([], 5)
    assert (found.spent, found.total_return, found.shadow_price) == (0, 0, 0)


def test_highs_finds_the_same_optima_prices_and_conflicts() -> None:
    ends: dict[str, int] = {}
    for seed in range(CASES):
        case = judged.random_case(10_000 + seed)  # none of those that `make evaluate` counts
        theirs = judged.by_highs(case.channels, case.budget, case.units)
        ours, found = judged.by_us(case)
        assert judged.agree(ours, theirs), (case, ours, theirs)
        ends[theirs.status] = ends.get(theirs.status, 0) + 1
        if found is not None:
            assert judged.keeps_limits(found), (case, found)
        if found is not None and case.units == "continuous" and case.budget is not None:
            assert judged.price_is_true(case, found), (case, found)
        if ours.status == "infeasible":
            assert judged.is_irreducible(case), case
    assert min(ends[end] for end in ("optimal", "infeasible", "unbounded")) >= 3
