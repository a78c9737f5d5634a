"""Charts of the report: what is drawn is what the rows say."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from xml.etree import ElementTree

import pytest

from lakehouse.report import page
from lakehouse.report.charts import Draw, bars, beside_diagonal, bubbles, intervals, lines
from lakehouse.report.tables import cell, table

ROWS = [{"step": "viewed", "count": 1200, "share": 0.5}, {"step": "bought", "count": 300, "share": None}]


def texts(svg: str) -> list[str]:
    return [one.text or "" for one in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_a_bar_has_its_name_and_its_number() -> None:
    shown = texts(bars("step", "count")(ROWS))
    assert {"viewed", "bought", "1,200", "300", "count"} <= set(shown)


def test_bars_of_several_values_have_a_legend_and_take_none_for_nothing() -> None:
    assert {"count", "share"} <= set(texts(bars("step", "count", "share", stacked=True)(ROWS)))


def test_lines_by_group_are_named_and_the_same_rows_draw_the_same_picture() -> None:
    rows = [{"day": date(2025, 1, day), "group": name, "rate": day / 10} for name in "ab" for day in (1, 2, 3)]
    draw = lines("day", "rate", by="group")
    assert {"a", "b", "day", "rate"} <= set(texts(draw(rows)))
    assert draw(rows) == draw(rows)


def test_a_circle_is_named_and_points_lie_beside_the_diagonal() -> None:
    rows = [{"name": "Champions", "days": 3.0, "spent": 1000.0, "people": 10}]
    assert "Champions" in texts(bubbles("name", "days", "spent", "people")(rows))
    assert "as it should be" in texts(beside_diagonal("said", "found")([{"said": 0.1, "found": 0.2}]))


def test_an_interval_has_its_name_and_a_row_without_a_value_is_left_out() -> None:
    rows = [
        {"method": "sar", "ndcg": 0.3, "low": 0.2, "high": 0.4},
        {"method": "none", "ndcg": None, "low": None, "high": None},
        {"method": "als", "ndcg": 0.25, "low": None, "high": None},
    ]
    shown = texts(intervals("method", "ndcg", "low", "high", "nDCG@10")(rows))
    assert {"sar", "als", "nDCG@10"} <= set(shown)
    assert "none" not in shown


def test_what_was_chosen_is_marked() -> None:
    rows = [{"k": k, "cost": 10.0 / k, "is_chosen": k == 3} for k in (2, 3, 4)]
    assert {"cost", "is chosen"} <= set(texts(lines("k", "cost", mark="is_chosen")(rows)))


@pytest.mark.parametrize(
    "draw", [bars("step", "count"), bars("step", "count", "share"), beside_diagonal("count", "share")]
)
def test_text_is_large_enough_on_a_phone(draw: Draw) -> None:
    """A page of 390 pixels leaves 358 for a picture, whose width is told in points."""
    svg = draw(ROWS)
    width = float(re.search(r'width="([\d.]+)pt"', svg).group(1))  # type: ignore[union-attr]
    sizes = [float(size) for size in re.findall(r"font-size: ([\d.]+)px", svg)]
    assert sizes
    assert min(sizes) * 358 / width >= 10


def test_a_long_name_is_cut_where_it_can_be_seen() -> None:
    assert "a_name_that_is_far_too_lo…" in texts(
        bars("step", "count")([{"step": "a_name_that_is_far_too_long", "count": 1}])
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (True, "yes"),
        (1234, "1,234"),
        (0.123456, "0.1235"),
        (12345.6, "12,346"),
        (Decimal("1234.50"), "1,234.50"),
        ("<b>_c", "&lt;b&gt;_<wbr>c"),
    ],
)
def test_a_cell_says_the_value(value: object, shown: str) -> None:
    assert re.fullmatch(rf"<td[^>]*>{re.escape(shown)}</td>", cell(value))


def test_a_table_has_its_names_and_its_rows() -> None:
    assert (
        table(["a"], [[1], [None]])
        == '<table><tr><th>a</th></tr><tr><td class="number">1</td></tr><tr><td></td></tr></table>'
    )


def test_the_command_of_an_exhibit_is_one_argument_of_a_shell() -> None:
    assert page._quoted('select "a", `b`, $c') == '"select \\"a\\", \\`b\\`, \\$c"'
