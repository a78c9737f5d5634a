"""Charts of the report: what is drawn is what the rows say."""

from __future__ import annotations

import re
from datetime import date
from xml.etree import ElementTree

import pytest

from lakehouse.report import page
from lakehouse.report.charts import bars, bubbles, lines, reliability

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
    assert "as it should be" in texts(reliability("said", "found")([{"said": 0.1, "found": 0.2}]))


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, ""), (True, "yes"), (1234, "1,234"), (0.123456, "0.1235"), (12345.6, "12,346"), ("<b>", "&lt;b&gt;")],
)
def test_a_cell_says_the_value(value: object, shown: str) -> None:
    assert re.fullmatch(rf"<td[^>]*>{re.escape(shown)}</td>", page._cell(value))


def test_the_command_of_an_exhibit_is_one_argument_of_a_shell() -> None:
    assert page._quoted('select "a", `b`, $c') == '"select \\"a\\", \\`b\\`, \\$c"'
