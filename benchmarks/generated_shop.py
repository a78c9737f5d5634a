"""A generated shop that is landed and built, as a run builds it, and the truth beside it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from pathlib import Path

from lakehouse.pipeline import AFTER_LANDING, LAND, Progress, Run, perform
from lakehouse.settings import Settings, load_settings
from lakehouse.sources import load_source
from lakehouse.synth import generate

STEPS = ("silver", "as_of", "features")
AS_OF = date(2025, 12, 31)
"""The last day of every generated shop."""


def shop_with_features(folder: Path, customers: int, days: int, seed: int) -> tuple[Settings, Path]:
    """The home, with `gold.feat_*` of `AS_OF`, and the folder `truth`."""
    return landed_shop(folder, customers, days, seed, STEPS)


def landed_shop(folder: Path, customers: int, days: int, seed: int, steps: Collection[str]) -> tuple[Settings, Path]:
    """The home after these steps of a run, and the folder `truth`."""
    files, settings = folder / "files", load_settings(home=folder / "home")
    settings.home.mkdir(parents=True)
    generate(files, customers=customers, days=days, seed=seed)
    run = Run(settings, [load_source(files / "source.yml")], None, Progress())
    for step in (LAND, *(step for step in AFTER_LANDING if step.name in steps)):
        perform(run, step)
    return settings, files / "truth"
