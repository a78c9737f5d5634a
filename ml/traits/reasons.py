"""Short sentences of what a trait is said by; none of them holds a name."""

from __future__ import annotations

import math

from ml.traits.gender import BEHAVIOUR, BOTH, GIVEN_NAME, NAME, NOTHING

TOLD = "A source tells it"
NOTHING_KNOWN = "Nothing is known that would tell"
BY_NAME_ALONE = "By the given name alone"
HABITS = {
    "category_level_1": "Looks at or buys {}",
    "category": "Looks at or buys {}",
    "brand": "Looks at or buys {}",
    "device_type": "Comes by {}",
    "day_part": "Comes in the {}",
}
SALES = {
    "amount_per_buying_month": "Spent {} than is usual in a month with a purchase",
    "amount_per_sale_day": "Spent {} than is usual on a day with a purchase",
    "amount": "Spent {} than is usual in all",
    "largest_day_amount": "Spent {} than is usual on their dearest day",
    "sale_days": "Bought {} often than is usual",
    "units_per_line": "Buys {} pieces at a time than is usual",
    "discount_rate": "Buys at {} of a discount than is usual",
}


def of_feature(feature: str, is_more: bool) -> str:
    """What it means that a customer has more of a feature than is usual, or less."""
    field, _, value = feature.partition("=")
    if field in HABITS and value:
        return f"{HABITS[field].format(value)} {'more' if is_more else 'less'} than is usual"
    if feature in SALES:
        less = {"sale_days": "less", "units_per_line": "fewer"}.get(feature, "less")
        return SALES[feature].format("more" if is_more else less)
    return "Has bought nothing lately" if is_more else "Has bought something lately"


def of_gender(feature: str, is_more: bool, basis: str) -> str:
    """Why a gender is stated: by what it rests on, and what speaks most for it."""
    if basis == NAME:
        return BY_NAME_ALONE
    if feature == GIVEN_NAME:
        return "The given name most, and what they look at or buy"
    if basis == BOTH:
        return f"{of_feature(feature, is_more)}; the given name agrees"
    return of_feature(feature, is_more)


def of_doubt(likeliest: str, probability: float, needed: float, kind: str) -> str:
    """Why nothing is stated."""
    if kind == NOTHING:
        return NOTHING_KNOWN
    by = {BEHAVIOUR: "what they do", NAME: "a given name alone", BOTH: "a given name and what they do"}[kind]
    if needed > 1:
        return f"Not certain: {likeliest} at {math.floor(100 * probability)} %; by {by} nothing can be stated"
    shown = math.floor(100 * probability), math.ceil(100 * needed)
    return f"Not certain: {likeliest} at {shown[0]} %; by {by} it is stated from {shown[1]} % on"
