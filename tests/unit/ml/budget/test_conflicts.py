"""The deletion filter, on limits that a reader can check."""

from __future__ import annotations

from collections.abc import Sequence

from ml.budget.channels import Channel
from ml.budget.conflicts import Limit, conflicting, irreducible


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
