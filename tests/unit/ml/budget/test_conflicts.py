"""The deletion filter, on limits that a reader can check."""

from __future__ import annotations

from collections.abc import Sequence

from ml.budget.channels import Channel
from ml.budget.conflicts import Limit, conflicting, irreducible, sentence


def test_the_filter_keeps_only_what_is_needed_for_the_conflict() -> None:
    def can_be_kept(numbers: Sequence[int]) -> bool:
        return sum(numbers) <= 10

    assert irreducible([1, 2, 5, 6, 4], can_be_kept) == [5, 6]


def test_a_channel_at_odds_with_itself_is_named_rather_than_the_budget() -> None:
    channels = [Channel("dear", 100, 1, 100), Channel("odd", 1, 1, 8, 7)]
    assert conflicting(channels, 50, "continuous") == [Limit("maximum", 1), Limit("minimum", 1)]


def test_the_dearest_minima_are_named_not_all_of_them() -> None:
    channels = [Channel("a", 1, 1, 3), Channel("b", 1, 1, 60), Channel("c", 1, 1, 50), Channel("d", 1, 1, 4)]
    assert conflicting(channels, 100, "whole") == [Limit("budget"), Limit("minimum", 2), Limit("minimum", 1)]


def test_a_conflict_is_told_in_chinese_with_the_same_numbers() -> None:
    channels = [Channel("短信", 10, 1, 60), Channel("b", 1, 1, 5), Channel("c", 5, 1, 100)]
    limits = [Limit("budget"), Limit("minimum", 2), Limit("minimum", 0)]
    assert sentence(limits, channels, 1000, "whole", "zh") == (
        "c（100次，单价5）和短信（60次，单价10）的下限合计需要1,100.00，超过预算1,000.00：请降低某个下限，或把预算提高到全部下限所需的1,105.00"
    )
    odd = [Channel("odd", 1, 1, 8, 7)]
    assert sentence([Limit("maximum", 0), Limit("minimum", 0)], odd, 50, "whole", "zh") == "odd的下限8高于其上限7"
