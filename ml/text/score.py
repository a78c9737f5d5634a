"""Language, mood and topic of every ticket: `ml.ticket_texts`."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa

from lakehouse.settings import Settings
from ml import registry, tables
from ml.carry_over import with_new
from ml.text.carry_over import TOLD, note_of, told_before
from ml.text.features import is_of, read_texts
from ml.text.language import detect
from ml.text.model import TextModel, load

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def score(spark: SparkSession, settings: Settings, as_of: date, seed: int) -> registry.Summary:
    """Write `ml.ticket_texts` by the champion; no text of a customer is among its columns.

    Only tickets that are new or whose words changed are read by the model (`ml.text.carry_over`).
    """
    tickets = is_of(read_texts(settings), as_of)
    if tickets.empty:
        tables.write_empty(spark, settings, "ticket_texts")
        return registry.Summary("text", registry.NO_MODEL, [])
    version, folder = registry.champion(settings, "text")
    note = note_of(settings, folder)
    before, kept = told_before(settings, note, tickets)
    is_new = before < 0
    read = told_of(load(folder), tickets.loc[is_new, "text"].tolist())
    told = with_new(kept, before, read)
    schema = tables.ML_SCHEMAS["ticket_texts"]
    known = {name: pa.array(tickets[name], schema.field(name).type, from_pandas=True) for name in KNOWN}
    columns = {**known, **{name: told[name] for name in TOLD}, "model_version": pa.repeat(version, len(tickets))}
    content = pa.table([columns[name] for name in schema.names], schema=schema)
    tables.write_table(spark, settings, "ticket_texts", content, note)
    return registry.Summary("text", version, [], len(tickets))


KNOWN = ("source", "ticket_id", "customer_id", "opened_at")


def told_of(model: TextModel, texts: list[str]) -> pa.Table:
    """What the model tells of texts: `TOLD`, a row for each."""
    languages = [detect(text) for text in texts]
    found = model.told(texts, languages)
    told = {**found, "topic_terms": found["topic_terms"].tolist(), "language": languages}
    schema = pa.schema([tables.ML_SCHEMAS["ticket_texts"].field(name) for name in TOLD])
    return pa.table([pa.array(told[field.name], field.type, from_pandas=True) for field in schema], schema=schema)
