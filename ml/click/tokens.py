"""An impression as a set of words, `column=level`: the one-hot columns of the model, by readable names.

The same words are made in Spark (features.py, for training and scoring) and here from a plain row (for serving). Counts
and days become levels by fixed edges, so that every coefficient can be read and nothing needs to be scaled.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CONTEXT = ("creative_id", "slot_id", "campaign_id", "channel", "objective", "hour_of_day", "day_of_week")
"""Where and when it is shown."""
PERSON = ("device_type", "region", "gender", "city")
"""To whom; device and region are known for people without an id too."""
COUNTS = (
    "prior_impression_count",
    "prior_click_count",
    "prior_impression_count_7d",
    "prior_click_count_30d",
    "prior_view_count_30d",
    "prior_cart_count_30d",
    "prior_search_count_30d",
    "prior_order_count",
)
DAYS = ("days_since_prior_order",)
AGE = "age_years"
TASTE, TASTE_RATE = "prior_top_category", "prior_top_category_rate"
ATTRIBUTES = "attributes"

COUNT_EDGES = (1, 2, 3, 6, 11, 21, 51)
COUNT_LEVELS = ("0", "1", "2", "3-5", "6-10", "11-20", "21-50", "51+")
DAY_EDGES = (1, 3, 7, 14, 30, 60, 90, 180)
DAY_LEVELS = ("<1", "1-2", "3-6", "7-13", "14-29", "30-59", "60-89", "90-179", "180+")
AGE_EDGES = (18, 25, 35, 45, 55, 65)
AGE_LEVELS = ("<18", "18-24", "25-34", "35-44", "45-54", "55-64", "65+")
RATE_EDGES = (0.25, 0.5, 0.75)
RATE_LEVELS = ("<25%", "25-49%", "50-74%", "75%+")

UNKNOWN, NEVER, RARE = "unknown", "never", "(rare)"
MATCH, PAIR = "category_match", "prior_top_category_x_creative"


def level_of(value: float, edges: tuple[float, ...], levels: tuple[str, ...]) -> str:
    """The level of the half-open interval `[edge, next edge)` that holds the value."""
    return levels[sum(value >= edge for edge in edges)]


def words(row: Mapping[str, Any]) -> list[str]:
    """The words of one impression.

    Args:
        row: columns of gold.feat_impressions, any of them absent; `attributes` a dict.

    Returns:
        words without regard to which of them the model knows; history only where there is a `customer_id`.
    """
    found = [f"{name}={_text(row.get(name))}" for name in (*CONTEXT, *PERSON[:2]) if name in row]
    attributes = row.get(ATTRIBUTES) or {}
    found += [f"{ATTRIBUTES}.{name}={_text(value)}" for name, value in sorted(attributes.items())]
    if _is_null(row.get("customer_id")):
        return found
    found += [f"{name}={_text(row.get(name))}" for name in PERSON[2:] if name in row]
    found += [
        f"{name}={level_of(0.0 if _is_null(row[name]) else float(row[name]), COUNT_EDGES, COUNT_LEVELS)}"
        for name in COUNTS
        if name in row
    ]
    for names, edges, levels, absent in (
        (DAYS, DAY_EDGES, DAY_LEVELS, NEVER),
        ((AGE,), AGE_EDGES, AGE_LEVELS, UNKNOWN),
    ):
        found += [
            f"{name}={absent if _is_null(row[name]) else level_of(float(row[name]), edges, levels)}"
            for name in names
            if name in row
        ]
    if TASTE in row:
        taste = None if _is_null(row[TASTE]) else str(row[TASTE])
        found += taste_words(taste, row.get(TASTE_RATE), str(row.get("creative_id")), list(attributes.values()))
    return found


def taste_words(taste: str | None, rate: float | None, creative: str, values: list[str]) -> list[str]:
    """What the category that a customer looks at most says about this creative.

    Args:
        taste: the category; None before their first view.
        rate: its share of their views, 0..1.
        values: the creative's attribute values; the creative matches when one of them is the category.
    """
    if taste is None:
        return [f"{MATCH}={UNKNOWN}", f"{PAIR}={UNKNOWN}"]
    strength = level_of(0.0 if _is_null(rate) else float(rate or 0.0), RATE_EDGES, RATE_LEVELS)
    match = f"yes, {strength} of views" if taste in values else "no"
    return [f"{MATCH}={match}", f"{PAIR}={taste} x {creative}"]


def _is_null(value: Any) -> bool:
    return value is None or value != value


def _text(value: Any) -> str:
    if _is_null(value):
        return UNKNOWN
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
