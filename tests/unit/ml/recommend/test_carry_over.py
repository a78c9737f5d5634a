"""Customers of whom all is as it was keep their ten, and nobody else: as if the home had never been scored before."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable, write_deltalake

from lakehouse.engine import frames
from lakehouse.settings import Settings, load_settings
from ml import tables
from ml.recommend import blocks
from ml.recommend import score as scoring
from ml.recommend.methods.item_weights import ItemWeights

AS_OF = date(2025, 6, 30)
CUSTOMERS = tuple("abcdefgh")
PRODUCTS = tuple(f"p{number:02d}" for number in range(16))
Deed = tuple[str, str, int, int, date]
"""Customer, product, views, purchases, day."""


def model_of(seed: int) -> ItemWeights:
    """Weights between all products but the last one, which nobody has touched."""
    weights = np.random.default_rng(seed).random((15, 15))
    np.fill_diagonal(weights, 0.0)
    return ItemWeights("item_to_item", np.array(PRODUCTS[:15], dtype=object), "touched", weights)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    model_of(1).save(folder)
    return folder


@pytest.fixture
def worked_out(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The customers whose ten were worked out."""
    told: list[str] = []
    tens = blocks.tens

    def noted(serving: blocks.Serving, block: blocks.Block, out: object) -> blocks.Tens:
        told.extend(CUSTOMERS[place] for place in block.customers)
        return tens(serving, block, out)  # type: ignore[arg-type]

    monkeypatch.setattr(scoring, "tens", noted)
    return told


def deeds() -> list[Deed]:
    """Everybody but the last viewed four products and bought one, a and c long ago; h did nothing."""
    ago = {"a": 89, "c": 200}
    views = [
        (who, PRODUCTS[(3 * place + step) % 15], 1 + step, 0, AS_OF - timedelta(days=9))
        for place, who in enumerate(CUSTOMERS[:-1])
        for step in range(4)
    ]
    sales = [(who, PRODUCTS[place], 0, 1, AS_OF - timedelta(days=ago.get(who, 5))) for place, who in enumerate("abc")]
    return [*views, *sales]


def write(settings: Settings, told: list[Deed], brand: str = "x") -> None:
    who, product, views, sales, day = zip(*told, strict=True)
    count = len(told)
    interactions = pa.table(
        {
            "customer_id": pa.array(who, pa.string()),
            "product_id": pa.array(product, pa.string()),
            "interacted_on": pa.array(day, pa.date32()),
            "view_count": pa.array(views, pa.int64()),
            "cart_count": pa.array([0] * count, pa.int64()),
            "purchase_count": pa.array(sales, pa.int64()),
            "rating": pa.nulls(count, pa.float64()),
            "weight": pa.array([1.0 + view for view in views], pa.float64()),
        }
    )
    listed = {"product_id": list(PRODUCTS), "brand": ["x"] * 8 + ["y"] * 7 + [brand]}
    for name, content in (
        ("feat_interactions", interactions),
        ("feat_customer_behaviour", pa.table({"customer_id": list(CUSTOMERS)})),
        ("feat_product", pa.table(listed)),
    ):
        write_deltalake(settings.table_path("gold", name), content, mode="overwrite")


def score(settings: Settings, as_of: date = AS_OF) -> pa.Table:
    done = scoring.score(frames(settings), settings, as_of, 7)
    told = tables.read(settings, "recommendations")
    assert done.rows == len(told) == 10 * len(CUSTOMERS)
    return told


def afresh(tmp_path: Path, told: list[Deed], as_of: date = AS_OF, brand: str = "x") -> pa.Table:
    """What a home that was never scored tells."""
    other = load_settings(home=tmp_path / "other")
    write(other, told, brand)
    return score(other, as_of)


def test_only_who_did_something_else_is_worked_out(settings: Settings, worked_out: list[str], tmp_path: Path) -> None:
    write(settings, deeds())
    score(settings)
    assert worked_out == list(CUSTOMERS)
    worked_out.clear()
    later = [*deeds(), ("d", "p14", 1, 0, AS_OF), ("e", "p12", 0, 1, AS_OF)]  # new to d; e bought what e had viewed
    write(settings, later)
    told = score(settings)
    assert worked_out == ["d", "e", "h"]  # h did nothing, and is told what everybody takes up
    assert told.equals(afresh(tmp_path, later))


def test_a_product_that_may_be_recommended_again_makes_its_buyers_ten_anew(
    settings: Settings, worked_out: list[str], tmp_path: Path
) -> None:
    write(settings, deeds())
    score(settings)
    worked_out.clear()
    told = score(settings, AS_OF + timedelta(days=1))  # the 90th day after a bought
    assert worked_out == ["a", "h"]
    assert told.equals(afresh(tmp_path, deeds(), AS_OF + timedelta(days=1)))


def test_reasons_follow_what_was_done_though_the_method_counts_it_as_before(settings: Settings, tmp_path: Path) -> None:
    write(settings, deeds())
    score(settings)
    carted = [*deeds(), ("f", "p00", 0, 1, AS_OF - timedelta(days=100))]  # viewed before, and now bought
    write(settings, carted)
    told = score(settings)
    kinds = told.filter(pc.field("customer_id") == "f")["evidence_type"].to_pylist()
    assert "bought" in kinds
    assert told.equals(afresh(tmp_path, carted))


def test_all_are_worked_out_by_another_model_or_catalogue(
    settings: Settings, worked_out: list[str], model: Path, tmp_path: Path
) -> None:
    write(settings, deeds())
    before = score(settings)
    model_of(2).save(model)
    worked_out.clear()
    assert not score(settings).equals(before)
    assert worked_out == list(CUSTOMERS)
    worked_out.clear()
    write(settings, deeds(), brand="y")  # the product that nobody has touched is like others now
    told = score(settings)
    assert worked_out == list(CUSTOMERS)
    assert told.equals(afresh(tmp_path, deeds(), brand="y"))


def test_all_are_worked_out_where_somebody_else_changed_the_table(settings: Settings, worked_out: list[str]) -> None:
    write(settings, deeds())
    before = score(settings)
    DeltaTable(settings.table_path("ml", "recommendations")).delete("customer_id = 'b'")
    worked_out.clear()
    assert score(settings).equals(before)
    assert worked_out == list(CUSTOMERS)


def test_a_method_that_counts_by_how_much_was_done_is_heard(
    settings: Settings, worked_out: list[str], model: Path, tmp_path: Path
) -> None:
    replace(model_of(1), weighs="weight").save(model)
    write(settings, deeds())
    score(settings)
    worked_out.clear()
    more = [*deeds(), ("g", "p03", 5, 0, AS_OF)]  # viewed before already
    write(settings, more)
    told = score(settings)
    assert worked_out == ["g", "h"]
    assert told.equals(afresh(tmp_path, more))
