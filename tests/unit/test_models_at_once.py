from __future__ import annotations

import pytest

from lakehouse.session import ROWS_OF_A_SMALL_HEAP
from lakehouse.transformation import rows_of_many_at_once


@pytest.mark.parametrize(("gib", "rows"), [(4, 500_000), (8, 1_000_000), (16, ROWS_OF_A_SMALL_HEAP), (256, 2_000_000)])
def test_little_memory_builds_fewer_rows_beside_each_other(gib: int, rows: int) -> None:
    assert rows_of_many_at_once(gib << 30) == rows
