"""How much memory Java may take."""

import pytest

from lakehouse.session import ROWS_OF_A_SMALL_HEAP, fitting_heap


@pytest.mark.parametrize(
    ("rows", "machine_gib", "heap"),
    [
        (0, 24, "2048m"),
        (ROWS_OF_A_SMALL_HEAP, 24, "2048m"),
        (ROWS_OF_A_SMALL_HEAP + 1, 4, "2048m"),
        (ROWS_OF_A_SMALL_HEAP + 1, 24, "6144m"),
        (ROWS_OF_A_SMALL_HEAP + 1, 256, "8192m"),
    ],
)
def test_the_heap_is_a_quarter_of_the_machine_where_much_has_landed(rows: int, machine_gib: int, heap: str) -> None:
    assert fitting_heap(rows, machine_gib << 30) == heap
