"""The shop's identifiers as they stand in its exports."""

from __future__ import annotations

from typing import Any

import numpy as np

from lakehouse.synth import writing
from lakehouse.synth.arrays import Ints

_SCRAMBLE = np.int64(387_420_489)  # 3^18, coprime to every power of ten: i -> i * m mod 10^d is a bijection


def scrambled(numbers: Ints, digits: int) -> Ints:
    """Distinct numbers of at most `digits` (<= 12) digits that do not look consecutive (numbers < 10^9)."""
    result: Ints = (numbers * _SCRAMBLE + 271_828_182) % np.int64(10**digits)
    return result


def customer_codes(numbers: Ints) -> Any:
    """`C0000001` for person 0."""
    return writing.numbered("C", numbers + 1, 7)


def product_codes(numbers: Ints) -> Any:
    """`P00001` for product 0."""
    return writing.numbered("P", numbers + 1, 5)


def order_codes(prefix: str, numbers: Ints) -> Any:
    """`SO000000001`, returns `RT000000001`."""
    return writing.numbered(prefix, numbers, 9)


def campaign_code(number: int) -> str:
    """`CMP01` for campaign 0."""
    return f"CMP{number + 1:02d}"


def creative_code(number: int) -> str:
    """`CR01` for creative 0."""
    return f"CR{number + 1:02d}"
