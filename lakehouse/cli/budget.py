"""The verb budget: share out money among channels that a file describes; needs no home."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lakehouse.cli.data import AsJson

if TYPE_CHECKING:
    from ml.budget.channels import Allocation


NAMES = ("channel", "units", "cost", "return", "at its", "one more unit of that bound")


def add_to(app: typer.Typer) -> None:
    app.command(name="budget")(budget)


def budget(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="YAML with budget and channels: cost, return, minimum, maximum")
    ],
    as_json: AsJson = False,
) -> None:
    """Share out a budget among channels for the largest return, and price every limit."""
    from lakehouse.cli.screen import console, print_rows
    from ml.budget.allocate import allocate
    from ml.budget.declaration import read_declaration

    declared = read_declaration(file)
    found = allocate(declared.channels, declared.budget, declared.units)
    if as_json:
        print(json.dumps(told(found), ensure_ascii=False))
        return
    screen = console()
    print_rows(screen, NAMES, rows_of(found))
    for sentence in sentences(found):
        screen.print(sentence, markup=False)


def rows_of(found: Allocation) -> list[list[str]]:
    """A row of `NAMES` per channel, numbers to the right."""
    rows = [
        [
            one.channel.name,
            f"{one.units:,.10g}",
            f"{one.cost:,.2f}",
            f"{one.expected_return:,.2f}",
            "" if one.bound == "none" else one.bound,
            "" if one.bound == "none" else f"{one.shadow_price:+,.6g}",
        ]
        for one in found.allotments
    ]
    widths = [max(len(row[place]) for row in rows) for place in range(len(NAMES))]
    return [
        [text.rjust(widths[place]) if place in (1, 2, 3, 5) else text for place, text in enumerate(row)] for row in rows
    ]


def told(found: Allocation) -> dict[str, Any]:
    """An allocation as JSON."""
    return {
        "total_return": found.total_return,
        "spent": found.spent,
        "budget": found.budget,
        "units": found.units,
        "shadow_price": found.shadow_price,
        "one_more": found.one_more,
        "channels": [
            {
                "channel": one.channel.name,
                "units": one.units,
                "cost": one.cost,
                "return": one.expected_return,
                "bound": one.bound,
                "shadow_price": one.shadow_price,
            }
            for one in found.allotments
        ],
    }


def sentences(found: Allocation) -> list[str]:
    """The total, and what more money would bring."""
    total = f"total return {found.total_return:,.2f} for {found.spent:,.2f}"
    if found.budget is None:
        return [f"{total}; no total budget holds it back"]
    of_budget = f"{total} of a budget of {found.budget:,.2f}"
    if found.shadow_price == 0:
        return [of_budget, "more budget would bring nothing: every channel worth it is at its maximum"]
    price = f"one more unit of budget brings {found.shadow_price:,.6g} at the margin, its shadow price"
    if found.units == "whole":
        price += f"; as units are whole, a budget larger by 1 brings {found.one_more:,.6g}"
    return [of_budget, price]
