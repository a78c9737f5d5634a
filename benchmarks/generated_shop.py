"""A generated shop with its features built, as a run builds them, and the truth beside it."""

from __future__ import annotations

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
    files, settings = folder / "files", load_settings(home=folder / "home")
    settings.home.mkdir(parents=True)
    generate(files, customers=customers, days=days, seed=seed)
    run = Run(settings, [load_source(files / "source.yml")], None, Progress())
    for step in (LAND, *(step for step in AFTER_LANDING if step.name in STEPS)):
        perform(run, step)
    return settings, files / "truth"
