"""A budget as a person writes it down: YAML with the total and a line per channel.

budget: 1130000
units: whole            # or continuous
channels:
  sms: {cost: 50, return: 3.2, minimum: 2000, maximum: 10000}
  mail: {cost: 80, return: 4.5}
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from lakehouse.errors import InputError
from lakehouse.source_yaml import read_yaml
from ml.budget.channels import Channel, Units, check

SETTINGS = ("budget", "units", "channels")
OF_A_CHANNEL = ("cost", "return", "minimum", "maximum")


@dataclass(frozen=True)
class Declaration:
    """What a budget file says; no budget where only the bounds hold."""

    channels: tuple[Channel, ...]
    budget: float | None
    units: Units


def read_declaration(path: Path) -> Declaration:
    """Read and check a budget file.

    Raises:
        InputError: one sentence saying what is wrong, where, and what to do.
    """
    content = read_yaml(path, "budget file", "`budget:` and `channels:`")
    try:
        return parse_declaration(content)
    except InputError as error:
        raise InputError(f"budget file {path}: {error}") from None


def parse_declaration(content: dict[str, Any]) -> Declaration:
    """The budget that a mapping of texts describes.

    Raises:
        InputError: a setting is unknown, missing or no sensible value.
    """
    _refuse_unknown(content, SETTINGS, "")
    named = content.get("channels")
    if not isinstance(named, dict) or not named:
        raise InputError("`channels:` must map at least one channel to its cost and return")
    units: tuple[Units, ...] = get_args(Units)
    chosen = next((unit for unit in units if unit == content.get("units", "whole")), None)
    if chosen is None:
        raise InputError(f"`units: {content['units']}` is not one of {', '.join(units)}")
    budget = _number(content["budget"], "`budget:`") if "budget" in content else None
    channels = tuple(_channel(name, options) for name, options in named.items())
    check(channels, budget, chosen)
    return Declaration(channels, budget, chosen)


def _channel(name: str, options: Any) -> Channel:
    if not isinstance(options, dict):
        raise InputError(f"channel {name} must be a mapping with `cost:` and `return:`")
    _refuse_unknown(options, OF_A_CHANNEL, f"channel {name}: ")
    for setting in ("cost", "return"):
        if setting not in options:
            raise InputError(f"channel {name} has no `{setting}:`")
    number = {setting: _number(value, f"channel {name}: `{setting}:`") for setting, value in options.items()}
    return Channel(name, number["cost"], number["return"], number.get("minimum", 0.0), number.get("maximum"))


def _number(text: Any, what: str) -> float:
    try:
        return float(text)
    except (TypeError, ValueError):
        said = f"`{text}`" if isinstance(text, str) else "a list or a mapping"
        raise InputError(f"{what} must be a number such as 1130000 or 3.2, not {said}") from None


def _refuse_unknown(content: dict[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in content:
        if key not in known:
            raise InputError(f"{where}unknown setting `{key}`; known are {', '.join(known)}")
