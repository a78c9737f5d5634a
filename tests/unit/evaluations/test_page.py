"""docs/evaluation.md is made of what was measured: nothing of it is lost, and no check is answered by nothing."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks.evaluation_page import CHECKS, EMPTY, MARK, checked, summed_up, written
from lakehouse.evaluations import Figure

PAGE = Path(__file__).parents[3] / "docs" / "evaluation.md"
AGREED = Figure("budget, random programs: same as HiGHS in all", "1000 agree | 0 do not", "HiGHS", True)
WORKED = Figure("budget, three channels and 1.13 M: optimum", "84,125", "84,125", True)
MISSED = Figure("segment, shop 1: adjusted Rand with the planted segments, k = 4", "0.296", ">= 0.9", False)


def test_a_task_measured_again_replaces_its_section_and_leaves_the_others() -> None:
    once = written(
        "# Ours\n\nby hand\n\n" + MARK,
        {"budget": [WORKED], "segment": [MISSED]},
        dict.fromkeys(("budget", "segment"), "Then."),
    )
    again = written(once, {"budget": [WORKED, AGREED]}, {"budget": "Now."})
    assert again.startswith("# Ours\n\nby hand\n\n" + MARK)
    assert "| budget, random programs: same as HiGHS in all | 1000 agree \\| 0 do not | HiGHS | yes |" in again
    assert "2 of 2 reached. Now." in again
    assert "0 of 1 reached. Then." in again
    assert again.count("## budget") == again.count("## segment") == again.count("## The checks") == 1
    assert written(again, {"budget": [WORKED, AGREED]}, {"budget": "Now."}) == again


def test_the_checks_tell_of_all_sections_what_is_reached_and_what_is_not() -> None:
    page = written(EMPTY, {"segment": [MISSED]}, {"segment": "Then."})
    page = written(page, {"budget": [WORKED, AGREED]}, {"budget": "Now."})
    checks = page.split("## ")[1]
    assert "| budget | the worked case: 84,125 at 10,000/2,250/15,000 | 84,125 | 84,125 | yes |" in checks
    assert "| 0.296 | >= 0.9 | **no** |" in checks


def test_of_several_figures_it_is_told_how_many_are_reached_and_which_are_not() -> None:
    assert summed_up([WORKED, AGREED]) == ("2 of 2 figures", "as below", "yes")
    told, _, reached = summed_up([WORKED, MISSED])
    assert told == f"1 of 2 figures; not {MISSED.what}: 0.296 (>= 0.9)"
    assert reached == "**no**"


def test_every_check_is_answered_by_a_figure_of_the_page_and_every_figure_answers_one() -> None:
    lines = [line for line in PAGE.read_text(encoding="utf-8").split(MARK)[1].splitlines() if line.startswith("| ")]
    cells = [re.split(r"(?<!\\)\| ?", line)[1:-1] for line in lines]
    names = [Figure(one[0].strip(), "", "", True) for one in cells if len(one) == 4 and one[0].strip() != "figure"]
    answers = checked(names)
    assert [check for check, _ in answers] == list(CHECKS)
    answered = {one.what for _, rows in answers for one in rows}
    assert [one.what for one in names if one.what not in answered] == []
