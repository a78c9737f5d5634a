"""Curves of foretold chances."""

from __future__ import annotations

import numpy as np
import pytest

from ml.curves import curves, foretold_plot, plots_of


def test_tenths_of_twenty_rows() -> None:
    """Row n of 20 is foretold n / 20; it came for the last four and for the first."""
    probability = np.arange(20) / 20
    happened = ((np.arange(20) >= 16) | (np.arange(20) == 0)).astype(float)
    told = curves(probability, happened)
    reliability = [(point.x, point.y, point.row_count) for point in told if point.curve == "reliability"]
    assert len(reliability) == 10
    assert reliability[0] == (0.025, 0.5, 2)
    assert reliability[1][1:] == (0.0, 2)
    assert reliability[-1][1:] == (1.0, 2)
    gains = [(point.x, point.y, point.row_count) for point in told if point.curve == "gains"]
    assert gains[:4] == [(0.0, 0.0, 0), (0.1, 0.4, 2), (0.2, 0.8, 4), (0.3, 0.8, 6)]
    assert gains[-1] == (1.0, 1.0, 20)


def test_gains_of_what_is_likely_only_end_at_one_exactly() -> None:
    rng = np.random.default_rng(3)
    for rows in range(50, 150):
        ends = [point.y for point in curves(rng.random(rows), rng.random(rows)) if point.curve == "gains"]
        assert (ends[0], ends[-1], max(ends)) == (0.0, 1.0, 1.0)


def test_plots_have_the_points_of_their_curves_and_there_is_none_without() -> None:
    assert plots_of([]) == {}
    probability = np.arange(20) / 20
    drawn = plots_of(curves(probability, (probability > 0.7).astype(float)))
    assert sorted(drawn) == ["gains", "reliability"]
    (gains,) = drawn["gains"]().axes
    assert gains.lines[0].get_xdata()[:3] == pytest.approx([0.0, 0.1, 0.2])
    _, found = drawn["reliability"]().axes[0].lines
    assert found.get_ydata()[-1] == 1.0


def test_what_was_foretold_is_drawn_beside_what_came_in_tenths() -> None:
    foretold = np.arange(40.0)[::-1]
    (drawn,) = foretold_plot("orders", foretold, 2.0 * foretold).axes
    _, found = drawn.lines
    assert found.get_xdata()[0] == 1.5  # of 0, 1, 2, 3
    assert found.get_ydata()[-1] == 75.0
