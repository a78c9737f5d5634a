from __future__ import annotations

from ml.click.features import LEAST_ROWS_OF_A_LEVEL, vocabulary
from ml.click.tokens import COUNT_EDGES, COUNT_LEVELS, level_of, taste_words, words


def test_an_impression_of_a_known_customer_reads_as_words() -> None:
    row = {
        "customer_id": "C1",
        "creative_id": "CR1",
        "hour_of_day": 20,
        "region": None,
        "gender": "female",
        "age_years": 34,
        "prior_click_count": 4,
        "days_since_prior_order": None,
        "prior_top_category": "Beauty",
        "prior_top_category_rate": 0.6,
        "attributes": {"creative_category": "Beauty"},
    }
    assert words(row) == [
        "creative_id=CR1",
        "hour_of_day=20",
        "region=unknown",
        "attributes.creative_category=Beauty",
        "gender=female",
        "prior_click_count=3-5",
        "days_since_prior_order=never",
        "age_years=25-34",
        "category_match=yes, 50-74% of views",
        "prior_top_category_x_creative=Beauty x CR1",
    ]


def test_a_stranger_has_context_and_no_history() -> None:
    assert words({"customer_id": None, "creative_id": "CR1", "prior_click_count": 0}) == ["creative_id=CR1"]


def test_counts_fall_into_half_open_levels() -> None:
    found = [level_of(count, COUNT_EDGES, COUNT_LEVELS) for count in (0, 1, 2, 3, 5, 6, 50, 51)]
    assert found == ["0", "1", "2", "3-5", "3-5", "6-10", "21-50", "51+"]


def test_a_customer_without_views_has_no_known_taste() -> None:
    assert taste_words(None, None, "CR1", ["Beauty"]) == [
        "category_match=unknown",
        "prior_top_category_x_creative=unknown",
    ]


def test_rare_levels_are_pooled_and_every_column_has_a_pool() -> None:
    rows = {"city=big": LEAST_ROWS_OF_A_LEVEL, "city=small": LEAST_ROWS_OF_A_LEVEL - 1, "slot_id=s": 999}
    assert vocabulary(rows) == ["city=(rare)", "city=big", "slot_id=(rare)", "slot_id=s"]
