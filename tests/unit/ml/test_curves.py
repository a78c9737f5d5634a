"""Curves of foretold chances."""

from __future__ import annotations

import numpy as np

from ml.curves import curves


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
