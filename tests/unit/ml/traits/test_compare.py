"""Two models of traits judged by the same people, whom neither twin was fitted on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lakehouse.settings import Settings, load_settings
from ml.comparisons import Rivals, Twins
from ml.held_out import is_held_out
from ml.promotion import Judged, verdict
from ml.traits import compare
from ml.traits.features import read_both
from ml.traits.model import TraitsModel
from tests.unit.ml.traits.shop import AS_OF, write
from tests.unit.ml.traits.test_spending import BUYERS, rows

NOTHING = TraitsModel(None, None)
NAMED = 240


def listed(liar: str = "") -> list[dict[str, object]]:
    """Everybody's gender and a name that tells it, but of the buyer `liar`."""
    buyers = [(f"b{n:03d}", n % 2 == 0) for n in range(BUYERS)]
    others = [(f"n{n:03d}", n % 2 == 0) for n in range(NAMED)]
    return [
        {
            "customer_id": name,
            "gender": "female" if is_her != (name == liar) else "male",
            "given_name": "芳" if is_her else "伟",
        }
        for name, is_her in [*buyers, *others]
    ]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = load_settings(home=tmp_path_factory.mktemp("traits") / "home")
    write(settings, rows(), listed())
    return settings


@pytest.fixture(scope="module")
def twin(settings: Settings) -> TraitsModel:
    return compare.learnt_without(*read_both(settings, AS_OF), has_names=True)


def judged(settings: Settings, champion: TraitsModel, challenger: TraitsModel) -> Judged | str:
    rivals = Rivals(None, settings, AS_OF, 7, "traits", "2")  # type: ignore[arg-type]
    return compare.measure(rivals, Twins(champion, challenger, "", ""))


def test_a_model_beside_one_that_knows_nothing_wins_by_the_losses_of_both_traits(
    settings: Settings, twin: TraitsModel
) -> None:
    found = judged(settings, NOTHING, twin)
    assert isinstance(found, Judged)
    buyers, others = ([f"{kind}{n:03d}" for n in range(many)] for kind, many in (("b", BUYERS), ("n", NAMED)))
    of_both, of_gender = int(is_held_out(buyers).sum()), int(is_held_out(others).sum())
    assert sorted(found.champion) == pytest.approx([np.log(2)] * of_gender + [np.log(2) + np.log(3)] * of_both)
    assert found.challenger.mean() < 0.5 * found.champion.mean()
    assert verdict(found, 7).is_promoted


def test_the_same_model_again_is_no_better_and_half_a_model_is_worse(settings: Settings, twin: TraitsModel) -> None:
    again = judged(settings, twin, twin)
    assert isinstance(again, Judged)
    assert not verdict(again, 7).is_promoted
    half = judged(settings, twin, replace(twin, spending=None))
    assert isinstance(half, Judged)
    assert half.challenger.mean() > half.champion.mean()


def test_what_a_twin_learns_has_nothing_of_those_who_judge_it(
    settings: Settings, twin: TraitsModel, tmp_path: Path
) -> None:
    judge = next(name for name in (f"b{n:03d}" for n in range(BUYERS)) if is_held_out([name])[0])
    changed = load_settings(home=tmp_path / "home")
    told = [{**row, "net_amount": 9 * row["net_amount"]} if row["customer_id"] == judge else row for row in rows()]
    write(changed, told, listed(judge))
    other = compare.learnt_without(*read_both(changed, AS_OF), has_names=True)
    assert twin.gender is not None
    assert twin.spending is not None
    assert other.gender is not None
    assert other.spending is not None
    assert other.gender.names.ratios == twin.gender.names.ratios
    assert other.gender.prior == twin.gender.prior
    np.testing.assert_array_equal(other.spending.coefficients, twin.spending.coefficients)
    before, after = judged(settings, twin, NOTHING), judged(changed, twin, NOTHING)
    assert isinstance(before, Judged)
    assert isinstance(after, Judged)
    assert after.champion.max() > before.champion.max() + 0.5  # and yet it is told on them


def test_where_nobody_can_judge_it_is_said(settings: Settings, twin: TraitsModel, tmp_path: Path) -> None:
    empty = load_settings(home=tmp_path / "home")
    write(empty, [])
    assert judged(empty, twin, twin) == "of nobody held out is the gender told or the spending known"
