"""What is found of a training while it is registered: intervals of its metrics, fairness, curves, and so its card."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from lakehouse.settings import Settings
from ml.card_page import markdown
from ml.cards import AS_JSON, AS_MARKDOWN, Card, card_of
from ml.curves import curves, foretold_plot, plots_of
from ml.fairness import Fairness, fairness
from ml.held_out import HeldOut, with_intervals

if TYPE_CHECKING:
    from ml.registry import Training


def appraised(settings: Settings, training: Training) -> tuple[Training, Card | None]:
    """The training with the intervals of its metrics and its plots, and its card; None for a task that has none."""
    found, points = Fairness(), []
    metrics, plots = list(training.metrics), dict(training.plots)
    parts = [training.held_out] if isinstance(training.held_out, HeldOut) else training.held_out or []
    for held_out in parts:
        seed = int(training.parameters["seed"])
        metrics = with_intervals(metrics, held_out, seed)
        of_part = fairness(settings, held_out, training.parameters["as_of"], seed)
        found = Fairness([*found.groups, *of_part.groups], [*found.gaps, *of_part.gaps])
        if held_out.probability is not None and held_out.happened is not None and held_out.happened.any():
            points = curves(held_out.probability, held_out.happened)
        plots |= {name: partial(foretold_plot, name, *told) for name, told in held_out.drawn.items()}
    card = card_of(settings, training.task, training.parameters, training.data_versions, metrics, found, points)
    return replace(training, metrics=metrics, plots={**plots_of(points), **plots}), card


def card_files(card: Card | None) -> dict[str, str]:
    """The card as artifacts, name to text."""
    return {} if card is None else {AS_JSON: card.as_json(), AS_MARKDOWN: markdown(card)}
