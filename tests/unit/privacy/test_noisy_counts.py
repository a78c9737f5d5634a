"""Noise of the size that is promised, small groups not told, and a budget that ends."""

from __future__ import annotations

import math
import statistics
import threading
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import pytest

from lakehouse.errors import InputError, LakehouseError
from lakehouse.privacy import audit
from lakehouse.privacy.keyring import open_keyring
from lakehouse.privacy.noisy_counts import noisy, remaining, spend
from lakehouse.settings import Settings, load_settings

NOON = datetime(2026, 5, 1, 12, tzinfo=timezone.utc)


@pytest.fixture
def house(tmp_path: Path) -> Settings:
    settings = load_settings(home=tmp_path / "home")
    with open_keyring(settings, make=True):
        return settings


def buy(settings: Settings, epsilon: float) -> None:
    with open_keyring(settings) as keyring:
        spend(settings, keyring, NOON, "ann", epsilon, table="gold.dim_customer")


@pytest.mark.parametrize(("epsilon", "per_person"), [(1.0, 1), (0.1, 1), (0.5, 3)])
def test_the_noise_is_laplace_of_scale_rows_by_epsilon(epsilon: float, per_person: int) -> None:
    """Deviations of many groups of one release: mean 0, standard deviation sqrt(2) scale, median of |x| scale ln 2."""
    count = 1_000_000
    found = noisy({(str(n),): count for n in range(4000)}, epsilon, per_person)
    scale = per_person / epsilon
    assert found.scale == pytest.approx(scale)
    off = [told - count for told in found.counts.values()]
    assert len(off) == 4000
    assert abs(statistics.mean(off)) < 5 * math.sqrt(2) * scale / math.sqrt(4000)
    assert statistics.stdev(off) == pytest.approx(math.sqrt(2) * scale, rel=0.12)
    assert statistics.median(map(abs, off)) == pytest.approx(scale * math.log(2), rel=0.12, abs=0.51)
    assert sum(abs(one) <= found.within for one in off) / 4000 > 0.93


def test_a_group_of_one_person_is_never_told_and_a_large_one_always() -> None:
    releases = [noisy({("alone",): 1, (None,): 5000}, 0.5) for _ in range(200)]
    assert {tuple(found.counts) for found in releases} == {((None,),)}


def test_the_threshold_is_the_least_that_the_formula_of_one_group_allows() -> None:
    """A group of one is told where 1 + Z > t; of discrete Laplace noise P(Z >= t) = exp(-t / b) / (1 + exp(-1 / b))."""
    found = noisy({}, 0.5)
    before, at = (math.exp(-t * 0.5) / (1 + math.exp(-0.5)) for t in (found.threshold - 1, found.threshold))
    assert at <= found.delta < before


def test_what_is_spent_adds_up_exactly_and_ends(house: Settings) -> None:
    for _ in range(9):
        buy(house, 0.1)
    assert remaining(house) == Decimal("0.1")
    with pytest.raises(
        InputError, match=r"epsilon 0.2 is more than is left: 0.1 of the 1 that setting 'privacy_budget'"
    ):
        buy(house, 0.2)
    buy(house, 0.1)
    assert remaining(house) == 0
    with pytest.raises(InputError, match="is more than is left"):
        buy(house, 0.001)
    assert remaining(house.model_copy(update={"privacy_budget": 1.5})) == Decimal("0.5")
    assert remaining(house.model_copy(update={"privacy_budget": 0.5})) == 0


def test_spending_is_in_the_sealed_log_and_a_changed_log_buys_nothing(house: Settings) -> None:
    buy(house, 0.7)
    (line,) = audit.read(house)
    assert (line["user"], line["action"], line["epsilon"], line["table"]) == (
        "ann", "noisy counts", "0.7", "gold.dim_customer",
    )  # fmt: skip
    log = audit.log_path(house)
    log.write_text(log.read_text(encoding="utf-8").replace('"0.7"', '"0.1"'), encoding="utf-8")
    with pytest.raises(LakehouseError, match="nobody knows what was spent"):
        buy(house, 0.1)


def test_two_who_spend_at_once_do_not_spend_the_same(house: Settings) -> None:
    refused: list[InputError] = []

    def try_to() -> None:
        try:
            buy(house, 0.3)
        except InputError as error:
            refused.append(error)

    threads = [threading.Thread(target=try_to) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(refused), remaining(house)) == (3, Decimal("0.1"))
