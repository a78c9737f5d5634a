"""Language, mood and topic of every ticket: `ml.ticket_texts`."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from lakehouse.settings import Settings
from ml import registry, tables
from ml.text.features import is_of, read_tickets
from ml.text.model import load

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def score(spark: SparkSession, settings: Settings, as_of: date, seed: int) -> registry.Summary:
    """Write `ml.ticket_texts` by the champion; no text of a customer is among its columns."""
    tickets = is_of(read_tickets(settings), as_of)
    if tickets.empty:
        tables.write_empty(spark, settings, "ticket_texts")
        return registry.Summary("text", registry.NO_MODEL, [])
    version, folder = registry.champion(settings, "text")
    told = load(folder).told(tickets["text"].tolist(), tickets["language"].tolist())
    rows = tables.write(
        spark,
        settings,
        "ticket_texts",
        {
            "source": tickets["source"].to_numpy(),
            "ticket_id": tickets["ticket_id"].to_numpy(),
            "customer_id": tickets["customer_id"].to_numpy(),
            "opened_at": tickets["opened_at"],
            "language": tickets["language"].to_numpy(),
            "sentiment": told["sentiment"].to_numpy(),
            "sentiment_label": told["sentiment_label"].to_numpy(),
            "topic": told["topic"].to_numpy(),
            "topic_terms": told["topic_terms"].tolist(),
            "reason_feature": told["reason_feature"].to_numpy(dtype=object),
            "reason_effect": told["reason_effect"].to_numpy(),
            "model_version": version,
        },
    )
    return registry.Summary("text", version, [], rows)
