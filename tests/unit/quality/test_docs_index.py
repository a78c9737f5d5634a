"""The front page of Data Docs tells every verdict without scripts or network."""

from __future__ import annotations

import re

from lakehouse.quality.docs_index import Verdict, render


def verdict(table: str, passed: int = 3, failed_errors: int = 0, about: str = "what it is") -> Verdict:
    return Verdict(table, about, f"validations/{table}.html", passed, 3, failed_errors, "run-1")


def test_layers_come_in_the_order_of_the_flow_and_every_table_links_to_its_page() -> None:
    page = render([verdict("gold.a"), verdict("bronze.b"), verdict("silver.c")])
    assert re.findall(r"<h2>(\w+)</h2>", page) == ["bronze", "silver", "gold"]
    assert '<a href="validations/silver.c.html">silver.c</a>' in page
    assert "9 of 9 rules passed on 3 tables" in page


def test_errors_and_warnings_are_told_apart() -> None:
    page = render([verdict("gold.a", passed=2, failed_errors=1), verdict("gold.b", passed=2), verdict("gold.c")])
    assert re.findall(r'"count (\w+)">([^<\n]*)', page) == [
        ("bad", "2 of 3 (1 error)"),
        ("warn", "2 of 3 (warning)"),
        ("good", "3 of 3"),
    ]


def test_the_page_needs_no_network_and_takes_no_markup_from_a_table() -> None:
    page = render([verdict("gold.a", about="<script>alert(1)</script>")])
    assert "http" not in page
    assert "<script" not in page
