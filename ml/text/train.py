"""Learn moods from the scores that customers gave to their tickets, find topics, register."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lakehouse.settings import Settings
from ml import registry
from ml.held_out import HeldOut
from ml.text.evaluate import quality
from ml.text.features import LEAST_WRITERS, READS, is_of, read_tickets
from ml.text.fits import Fit as Learner
from ml.text.fits import fits_of
from ml.text.held_out import held_out
from ml.text.language import UNKNOWN
from ml.text.model import TextModel
from ml.text.mood import STRENGTH, Mood
from ml.text.tokens import words
from ml.text.topics import Topics, find_topics
from ml.training import Fit, registered

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

HELD_OUT_SHARE = 0.2
LEAST_SCORED, LEAST_OF_A_SIDE = 100, 20
"""Tickets of a language with a score, and of them above and below the middle of the scale, before a mood is learnt."""
MOST_TEXTS = 10_000
"""Of a language, in which its topics are looked for."""


def train(spark: SparkSession, settings: Settings, as_of: date, seed: int) -> registry.Summary:
    """Register a model of `text`."""
    tickets = is_of(read_tickets(settings), as_of)
    if tickets.empty:
        return registry.nothing_to_learn("text")
    fit = fits_of(spark)
    model = TextModel(learn_moods(tickets, fit), learn_topics(tickets, seed))
    measured = measure(tickets, fit)
    learnt = Fit(
        "text",
        model.save,
        {"text": "string"},
        {
            "strength": STRENGTH,
            "least_writers": LEAST_WRITERS,
            "languages_with_mood": ",".join(model.moods) or "none",
            "languages_with_topics": ",".join(model.topics) or "none",
        },
        READS,
        [*measured.metrics, *_sizes(tickets, model)],
        measured.twin,
        measured.held_out,
    )
    return registered(settings, learnt, as_of, seed)


def learn_moods(tickets: pd.DataFrame, fit: Learner) -> dict[str, Mood]:
    """A mood per language with enough scores on both sides of the middle; the others stay unknown."""
    scored = tickets[tickets["mood"].notna() & (tickets["language"] != UNKNOWN)]
    found = {}
    for language, rows in scored.groupby("language"):
        share = rows["mood"].to_numpy(dtype=np.float64)
        if len(rows) >= LEAST_SCORED and min((share > 0.5).sum(), (share < 0.5).sum()) >= LEAST_OF_A_SIDE:
            mood = fit(rows["text"].tolist(), str(language), share, rows["writer"].tolist())
            if mood is not None:
                found[str(language)] = mood
    return found


def learn_topics(tickets: pd.DataFrame, seed: int) -> dict[str, Topics]:
    """The topics of each language with enough tickets, found in `MOST_TEXTS` of them: more name the same ones."""
    found = {}
    for language, rows in tickets[tickets["language"] != UNKNOWN].groupby("language"):
        if len(rows) > MOST_TEXTS:
            rows = rows.sample(MOST_TEXTS, random_state=seed).sort_index()
        texts = [words(text, str(language)) for text in rows["text"]]
        topics = find_topics(texts, rows["writer"].tolist(), seed)
        if topics is not None:
            found[str(language)] = topics
    return found


@dataclass(frozen=True)
class Measured:
    """What moods are worth on later tickets, and the moods that were measured; None where there are none."""

    metrics: list[registry.Metric]
    twin: registry.Twin | None
    held_out: HeldOut | None = None


def measure(tickets: pd.DataFrame, fit: Learner) -> Measured:
    """What moods learnt from the first four fifths of the scored tickets, by time, are worth on the last fifth.

    The baseline tells everybody the mean score of the tickets before.
    """
    scored = tickets[tickets["mood"].notna()].sort_values(["opened_at", "source", "ticket_id"], ignore_index=True)
    first = int(len(scored) * (1 - HELD_OUT_SHARE))
    moods = learn_moods(scored.iloc[:first], fit)
    later = scored.iloc[first:]
    later = later[later["language"].isin(list(moods))]
    if later.empty:
        return Measured([], None)
    earlier = TextModel(moods, {})
    predicted = earlier.told(later["text"].tolist(), later["language"].tolist())["sentiment"].to_numpy()
    given = later["mood"].to_numpy(dtype=np.float64)
    mean = np.full(len(given), scored["mood"].iloc[:first].mean())
    ours, base = quality(predicted, given), quality(mean, given)
    metrics = [
        registry.Metric("mood_correlation", ours.correlation, "mean score", base.correlation),
        registry.Metric("mood_log_loss", ours.log_loss, "mean score", base.log_loss),
        registry.Metric("mood_auc", ours.auc, "mean score", base.auc),
        registry.Metric("mood_accuracy", ours.accuracy, "mean score", base.accuracy),
    ]
    until = scored["opened_at"].iloc[first - 1].isoformat()
    kept = held_out(later["writer"].to_numpy(dtype=object), predicted, mean, given)
    return Measured(metrics, registry.Twin(earlier.save, until), kept)


def _sizes(tickets: pd.DataFrame, model: TextModel) -> list[registry.Metric]:
    known = tickets["language"].isin(list(model.moods)).mean()
    counts = [len(topics.weights) for topics in model.topics.values()]
    return [
        registry.Metric("tickets", float(len(tickets)), split="all tickets"),
        registry.Metric("scored_tickets", float(tickets["mood"].notna().sum()), split="all tickets"),
        registry.Metric("share_with_mood", float(known), "nothing learnt", 0.0, "all tickets"),
        registry.Metric("topics", float(sum(counts)), split="all tickets"),
    ]
