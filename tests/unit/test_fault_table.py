from __future__ import annotations

import pytest

from tests.cluster.faults.fault_table import BEGINNING, END, PAGE, Fault, rows_of, with_rows

EMPTY = f"above\n{BEGINNING}{END}below\n"


def test_a_row_takes_the_place_of_the_same_faults_and_others_stay() -> None:
    first = with_rows(EMPTY, [Fault("a", "x|y", "same", "1"), Fault("b", "x", "same", "2")])
    second = with_rows(first, [Fault("c", "x", "same", "3"), Fault("a", "z", "same", "4")])
    assert rows_of(second) == {
        "a": "| a | z | same | 4 |\n",
        "b": "| b | x | same | 2 |\n",
        "c": "| c | x | same | 3 |\n",
    }
    assert rows_of(first)["a"] == "| a | x\\|y | same | 1 |\n"
    assert second.startswith("above\n")
    assert second.endswith("below\n")


def test_the_page_has_a_place_for_the_table() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_rows(page, []) == page
    with pytest.raises(ValueError, match="no lines"):
        with_rows("a page", [])
