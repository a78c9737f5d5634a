"""Which sentence says what a trait is said by, in either language (`ml/traits/sentences.py`)."""

from __future__ import annotations

import math

from lakehouse.settings import Language
from ml.traits import sentences
from ml.traits.gender import BOTH, GIVEN_NAME, NAME, NOTHING

INTERCEPT = "intercept"
"""What all customers have in common: the reason where no feature of the customer speaks for the stated value."""


def of_feature(feature: str, is_more: bool, language: Language) -> str:
    """What it means that a customer has more of a feature than is usual, or less."""
    if feature == INTERCEPT:
        return sentences.LIKE_MOST.told(language)
    field, _, value = feature.partition("=")
    if value in sentences.DAY_PARTS and field == "day_part":
        value = sentences.DAY_PARTS[value].told(language)
    return (sentences.MORE if is_more else sentences.LESS)[field].told(language, value=value)


def of_gender(feature: str, is_more: bool, basis: str, language: Language) -> str:
    """Why a gender is stated: by what it rests on, and what speaks most for it."""
    if basis == NAME:
        return sentences.BY_NAME_ALONE.told(language)
    if feature == GIVEN_NAME:
        return sentences.NAME_MOST.told(language)
    fact = of_feature(feature, is_more, language)
    return sentences.NAME_AGREES.told(language, fact=fact) if basis == BOTH else fact


def of_doubt(likeliest: str, percent: int, needed: float, kind: str, language: Language) -> str:
    """Why nothing is stated.

    Args:
        percent: that the likeliest value is at least as probable as.
        needed: the probability from which on it would be stated; above 1 where it never is.
    """
    if kind == NOTHING:
        return sentences.NOTHING_KNOWN.told(language)
    said = sentences.NEVER_STATED if needed > 1 else sentences.STATED_FROM
    return said.told(
        language,
        value=sentences.VALUES[likeliest].told(language),
        percent=percent,
        evidence=sentences.EVIDENCE[kind].told(language),
        **({} if needed > 1 else {"needed": math.ceil(100 * needed)}),
    )
