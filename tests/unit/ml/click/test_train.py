"""How strong the L2 is: tried on the first period, told by the next."""

from __future__ import annotations

import numpy as np
import pytest

from ml.arrays import Floats
from ml.click.fits import REGULARISATION, REGULARISATIONS, LocalRows, ones
from ml.click.train import chosen


def rows(clicks_of: Floats, label_of_next: float | None = None, shown: Floats | None = None) -> LocalRows:
    """Impressions of as many creatives as there are rates, in three equal periods; a word each.

    Args:
        shown: share of the impressions by creative; equal ones by default.
    """
    draw, count = np.random.default_rng(5), 3000
    creative = draw.choice(len(clicks_of), count, p=shown).astype(np.int32)
    label = (draw.random(count) < clicks_of[creative]).astype(np.float64)
    period = np.repeat([0, 1, 2], count // 3)
    if label_of_next is not None:
        label[period == 1] = label_of_next
    words = [f"creative_id={number:03d}" for number in range(len(clicks_of))]
    return LocalRows(words, ones(creative, np.arange(count + 1), len(words)), label, period)


def test_effects_that_stay_ask_for_little_l2_and_rare_words_that_tell_nothing_for_more() -> None:
    lasting = rows(np.where(np.arange(10) % 2 == 0, 0.02, 0.6))
    assert chosen(lasting, *lasting.by_period())[0] == min(REGULARISATIONS)
    rare = np.full(400, 0.5 / 400)  # two rows each of the first period
    noisy = rows(np.array([0.05, 0.3, *np.full(400, 0.15)]), shown=np.array([0.25, 0.25, *rare]))
    assert chosen(noisy, *noisy.by_period())[0] > min(REGULARISATIONS)


def test_what_is_returned_is_the_fit_of_the_chosen_strength() -> None:
    told = rows(np.where(np.arange(10) % 2 == 0, 0.02, 0.6))
    strength, fitted = chosen(told, *told.by_period())
    again = told.fit(0, *told.by_period(), strength)
    assert fitted.model.coefficients == again.model.coefficients
    weaker = told.fit(0, *told.by_period(), max(REGULARISATIONS)).model.coefficients
    assert np.abs(list(weaker.values())).max() < np.abs(list(again.model.coefficients.values())).max()


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_a_period_that_tells_nothing_leaves_the_usual_strength(label: float) -> None:
    told = rows(np.full(5, 0.2), label)
    assert chosen(told, *told.by_period())[0] == REGULARISATION
