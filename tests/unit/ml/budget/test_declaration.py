"""A budget file through the command: what it prints, and what it says of a mistake."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from lakehouse.cli import main

FILE = """
budget: 1130000
channels:
  first: {cost: 50, return: 3.2, minimum: 2000, maximum: 10000}
  second: {cost: 80, return: 4.5, minimum: 1500, maximum: 6000}
  third: {cost: 30, return: 2.8, minimum: 3000, maximum: 15000}
"""


def run(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *options: str
) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of `lakehouse budget` on this file."""
    file = tmp_path / "budget.yml"
    file.write_text(text)
    monkeypatch.setattr(sys, "argv", ["lakehouse", "budget", str(file), *options])
    exit_code = main()
    said = capsys.readouterr()
    return exit_code, said.out, said.err


def test_the_table_and_the_prices_are_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    exit_code, out, err = run(FILE, tmp_path, monkeypatch, capsys)

    assert (exit_code, err) == (0, "")
    assert [line.split() for line in out.splitlines()[1:4]] == [
        ["first", "10,000", "500,000.00", "32,000.00", "maximum", "+0.3875"],
        ["second", "2,250", "180,000.00", "10,125.00"],
        ["third", "15,000", "450,000.00", "42,000.00", "maximum", "+1.1125"],
    ]
    assert out.splitlines()[4:] == [
        "total return 84,125.00 for 1,130,000.00 of a budget of 1,130,000.00",
        "one more unit of budget brings 0.05625 at the margin, its shadow price; as units are whole, a budget larger "
        "by 1 brings 0",
    ]


def test_json_is_all_that_is_printed_where_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    exit_code, out, err = run(FILE + "units: continuous\n", tmp_path, monkeypatch, capsys, "--json")

    told = json.loads(out)
    assert (exit_code, err, told["units"]) == (0, "", "continuous")
    assert (told["total_return"], told["spent"]) == (84_125, 1_130_000)
    assert (told["shadow_price"], told["one_more"]) == (pytest.approx(0.05625), pytest.approx(0.05625))
    assert {one["channel"]: one["units"] for one in told["channels"]} == {
        "first": 10_000, "second": 2250, "third": 15_000,
    }  # fmt: skip


MISTAKES = {
    "limits in conflict": (FILE.replace("1130000", "300000"), "together cost 310,000.00, more than the budget"),
    "no end": (FILE.replace(", maximum: 10000", "").replace("cost: 50", "cost: 0"), "first could bring ever more"),
    "a text for a number": (
        FILE.replace("cost: 50", "cost: fifty"),
        "channel first: `cost:` must be a number.*`fifty`",
    ),
    "no return": (FILE.replace("return: 3.2, ", ""), "channel first has no `return:`"),
    "unknown setting": (FILE.replace("budget:", "budgte:"), "unknown setting `budgte`; known are budget"),
    "unknown setting of a channel": (FILE.replace("cost: 50", "costs: 50"), "channel first: unknown setting `costs`"),
    "unknown units": (FILE + "units: halves\n", "`units: halves` is not one of whole, continuous"),
    "a list of units": (FILE + "units: [whole]\n", "is not one of whole, continuous"),
    "no channels": ("budget: 5\n", "`channels:` must map at least one channel"),
    "a channel without settings": ("channels: {a: 5}\n", "channel a must be a mapping"),
    "a negative cost": (FILE.replace("cost: 50", "cost: -50"), "channel first: the cost must be a number of 0 or more"),
    "a channel twice": (FILE.replace("second", "first"), "the key `first` appears twice"),
    "not a mapping": ("- 5\n", "must be a mapping with `budget:` and `channels:`"),
    "not YAML": ("budget: [\n", "not valid YAML"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_answered_with_one_sentence_and_exit_code_2(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text, said = MISTAKES[name]
    exit_code, out, err = run(text, tmp_path, monkeypatch, capsys)

    assert (exit_code, out) == (2, "")
    assert len(err.strip().splitlines()) == 1
    assert "Traceback" not in err
    assert re.search(said, err), err
