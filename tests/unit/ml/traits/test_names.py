"""What a name says, counted by hand, and that no rare one is remembered."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ml.traits.names import LEAST_BEARERS, learnt, of_counts, tokens_of


@pytest.mark.parametrize(
    ("name", "tokens"), [("丹丹", ["丹", "丹"]), ("子涵", ["子", "涵"]), ("emma", ["emma"]), ("", []), (None, [])]
)
def test_a_chinese_name_is_its_characters_and_a_latin_one_itself(name: str | None, tokens: list[str]) -> None:
    assert tokens_of(name) == tokens


def test_a_ratio_is_of_the_shares_of_both_genders_with_one_more_of_every_token() -> None:
    names = of_counts({"丹": 3, "子": 1}, {"山": 2, "子": 1})
    # Four and three tokens, of three kinds: sevenths and sixths.
    assert names.ratios == pytest.approx(
        {"丹": math.log((4 / 7) / (1 / 6)), "子": math.log((2 / 7) / (2 / 6)), "山": math.log((1 / 7) / (3 / 6))}
    )
    sums, is_known = names.told(["丹丹", "丹山", "外", None])
    assert sums == pytest.approx([2 * math.log(24 / 7), math.log(24 / 7) + math.log(2 / 7), 0, 0])
    assert is_known.tolist() == [True, True, False, False]


def test_a_token_is_kept_when_five_bear_it_whoever_bears_it_twice() -> None:
    given = ["丹丹"] * (LEAST_BEARERS - 1) + ["伟"] * LEAST_BEARERS + ["Zoë"] + [None]
    names = learnt(np.array(given, dtype=object), np.array([1.0] * 4 + [0.0] * 5 + [1.0, 0.0]))
    assert set(names.ratios) == {"伟"}
