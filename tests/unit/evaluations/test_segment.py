"""The evaluation of segments can fail, and measures what it says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks.evaluations import segment


def test_kinds_far_apart_are_found_and_counted() -> None:
    customers, kinds = segment.drawn(99)  # none of the seeds that are judged
    model, _ = segment.grouped(customers, 3)
    assert len(model.centres) == len(segment.FAR_APART)
    places = pd.crosstab(kinds, model.place(customers)).to_numpy()
    assert ((places > 0).sum(axis=0) == 1).all()


def test_kinds_that_are_no_kinds_are_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment, "TREES", 10)
    customers, kinds = segment.drawn(99)
    shuffled = np.random.default_rng(1).permutation(kinds)
    *_, passed = segment.beside_planted("shuffled", customers, shuffled, customers.to_numpy())
    assert passed is False


def test_ids_that_are_shuffled_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment, "SEEDS", range(1))
    customers, _ = segment.drawn(99)
    champion, _ = segment.grouped(customers, 3)
    assert segment.kept_ids("kept", customers, champion)[3]
    monkeypatch.setattr(segment, "named_like", lambda centres, *_: segment.name_clusters(centres[::-1]))
    assert not segment.kept_ids("shuffled", customers, champion)[3]


def test_orders_are_summed_up_as_gold_sums_them_up() -> None:
    sales = pd.DataFrame(
        {
            "customer_id": ["a", "a", "a", "b"],
            "order": [1, 2, 3, 4],
            "day": pd.to_datetime(["2024-01-01", "2024-01-01", "2024-01-11", "2024-01-31"]),
            "amount": [10.0, 5.0, 7.0, 3.0],
        }
    )
    a, b = segment.of_orders(sales).to_dict("records")
    assert (a["recency_days"], a["frequency"], a["monetary_amount"], a["order_day_count"]) == (20.0, 3.0, 22.0, 2.0)
    assert (a["tenure_days"], a["repeat_net_amount"]) == (30.0, 7.0)
    assert (b["recency_days"], b["frequency"], b["tenure_days"]) == (0.0, 1.0, 0.0)
    assert np.isnan(b["repeat_net_amount"])
