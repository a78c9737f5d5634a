"""What the end of every training is alike in: the fit is registered with what was read, the day and the seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from lakehouse.settings import Settings
from ml import registry, tables
from ml.held_out import HeldOut


@dataclass(frozen=True)
class Fit:
    """What a room has learnt.

    Args:
        task: the room is `ml/<task>`, its loader `ml.<task>.model`.
        save, inputs, parameters, metrics, twin, held_out: as of `registry.Training`.
        reads: the gold tables that it was learnt from.
    """

    task: str
    save: Callable[[Path], None]
    inputs: Mapping[str, str]
    parameters: Mapping[str, Any]
    reads: Sequence[str]
    metrics: Sequence[registry.Metric]
    twin: registry.Twin | None = None
    held_out: HeldOut | None = None


def registered(settings: Settings, fit: Fit, as_of: date, seed: int) -> registry.Summary:
    """Register it, with the versions and the columns of what was read."""
    training = registry.Training(
        task=fit.task,
        loader=f"ml.{fit.task}.model",
        save=fit.save,
        inputs=fit.inputs,
        parameters={**fit.parameters, "seed": seed, "as_of": as_of},
        data_versions=tables.gold_versions(settings, fit.reads),
        metrics=fit.metrics,
        columns=tables.gold_columns(settings, fit.reads),
        twin=fit.twin,
        held_out=fit.held_out,
    )
    return registry.Summary(fit.task, registry.register(settings, training), fit.metrics)
