"""Spans within spans: what is gathered, and that nothing is where nobody asked."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from lakehouse import profiling
from lakehouse.errors import LakehouseError
from lakehouse.profile_page import write_profile_page
from lakehouse.profiling import Span, at_once, enter, leave, profile, span


def busy(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def break_off() -> None:
    with span("build"):
        enter("model")
        raise LakehouseError("broken")


def test_a_span_has_the_time_of_what_is_in_it() -> None:
    with profile("run") as root:
        with span("land"):
            busy(0.05)
        with span("build"), span("model"):
            busy(0.02)
    assert [child.name for child in root.children] == ["start Python", "land", "build"]
    land, build = root.children[1:]
    assert land.own_cpu_s == pytest.approx(0.05, abs=0.03)
    assert build.cpu_s >= build.children[0].cpu_s >= 0.02
    assert root.cpu_s >= sum(child.cpu_s for child in root.children)
    assert [names for names, _ in root.walk()][-1] == ("run", "build", "model")


def test_nothing_is_gathered_where_nobody_asked() -> None:
    with span("land"):
        assert enter("model") is None
        leave()
        assert profiling._open == []
        assert at_once(2) == 2


def test_one_thing_at_a_time_while_a_profile_is_gathered() -> None:
    with profile("run"):
        assert at_once(2) == 1


def test_what_an_error_leaves_open_is_closed_with_its_span() -> None:
    with profile("run") as root:
        with pytest.raises(LakehouseError, match="broken"):
            break_off()
        with span("publish"):
            pass
    assert [child.name for child in root.children] == ["start Python", "build", "publish"]


def test_the_page_shows_every_part_as_wide_as_its_cpu_seconds(tmp_path: Path) -> None:
    root = Span(
        "run <1>", 4.0, 3.0, 1.0, [Span("land", 1.0, 1.0), Span("train", 3.0, 2.0, 1.0, [Span("fit", 1.0, 1.0)])]
    )
    write_profile_page(root, tmp_path / "profile" / "page.html")
    text = (tmp_path / "profile" / "page.html").read_text()
    assert "run &lt;1&gt;" in text
    assert 'title="train: 3.00 CPU s, 3.00 s" style="left:25.000%;width:75.000%;top:22px' in text
    assert 'title="fit: 1.00 CPU s, 1.00 s" style="left:25.000%;width:25.000%;top:44px' in text
