"""Tickets that need not be read again: what was told of them, by the same model, of the same words.

Beside the rows of `ml.ticket_texts`, in the commit that wrote them, stands by what they were told and of which version
of gold.feat_ticket_text. A ticket whose words are in that version as they are now keeps what was told; one that is new
or changed is read; one that is gone has no row. Where that version cannot be read any more, as after an erasure, or
anything else is not as it was, all are read. So no text, and nothing made of one, is kept for this.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from lakehouse.builds import table_state
from lakehouse.settings import Settings
from lakehouse.storage import delta_table
from ml import carry_over, tables
from ml.text.features import with_text

TEXTS, WORDS = "ticket_texts", "gold.feat_ticket_text"
KEY = ["source", "ticket_id"]
TOLD = ("language", "sentiment", "sentiment_label", "topic", "topic_terms", "reason_feature", "reason_effect")


def note_of(settings: Settings, model: Path) -> dict[str, str]:
    """What a commit says of its rows, told now by the model in this folder, of the words as they are now."""
    of = table_state(settings, WORDS)
    return carry_over.note_of("text", model, unicodedata.unidata_version, ["jieba"], of=of)


def told_before(
    settings: Settings, note: dict[str, str], tickets: pd.DataFrame
) -> tuple[npt.NDArray[np.int64], pa.Table]:
    """For each ticket the row of what was told of the same words, -1 where there is none; and these rows, of `TOLD`.

    Args:
        note: of what is being told now.
        tickets: `KEY` and `text`.
    """
    nothing = np.full(len(tickets), -1, dtype=np.int64), tables.ML_SCHEMAS["ticket_texts"].empty_table().select(TOLD)
    found = carry_over.told_before(settings, TEXTS, note)
    read = None if found is None else _words_then(settings, found[1]["of"])
    if found is None or read is None:
        return nothing
    rows = found[0].to_pyarrow_table(columns=[*KEY, *TOLD])
    known = rows.select(KEY).to_pandas().assign(row=np.arange(len(rows))).merge(read, on=KEY)
    if known.duplicated(KEY).any() or tickets.duplicated(KEY).any():
        return nothing
    place = tickets[[*KEY, "text"]].merge(known, on=[*KEY, "text"], how="left")["row"]
    return place.fillna(-1).to_numpy(dtype=np.int64), rows.select(TOLD)


def _words_then(settings: Settings, state: str) -> pd.DataFrame | None:
    """`KEY` and `text` of the tickets as they were in a state of the table; None where that cannot be read."""
    identity, _, version = state.partition("@")
    try:
        then = delta_table(settings, WORDS, int(version))
        if then.metadata().id != identity:
            return None
        return with_text(then.to_pyarrow_table(columns=[*KEY, "subject", "body"]).to_pandas())
    except Exception:  # delta-rs: its log or its files are not there any more
        return None
