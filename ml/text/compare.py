"""Which of two text models tells the mood of later tickets better: log loss per ticket after both cuts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml.arrays import Floats
from ml.comparisons import Judge, Rivals, Twins
from ml.measures import log_losses
from ml.promotion import Judged
from ml.text.features import is_of, read_tickets
from ml.text.model import TextModel, load

UNTOLD = 0.5
"""The share of the scale that a model stands for which knows no mood of a language."""


def measure(rivals: Rivals, twins: Twins) -> Judged | str:
    """The log loss of the share of the scale of each scored ticket after both cuts, in a language that either knows."""
    tickets = is_of(read_tickets(rivals.settings), rivals.as_of)
    seen = max(pd.Timestamp(twins.champion_until), pd.Timestamp(twins.challenger_until))
    later = tickets[tickets["mood"].notna() & (tickets["opened_at"] > seen)]
    later = later[later["language"].isin([*twins.champion.moods, *twins.challenger.moods])]
    later = later.sort_values(["opened_at", "source", "ticket_id"], ignore_index=True)
    if later.empty:
        return "no scored ticket is later than what the champion was measured on"
    given = later["mood"].to_numpy(dtype=np.float64)
    losses = [log_losses(_shares(model, later), given) for model in (twins.champion, twins.challenger)]
    return Judged("mood_log_loss", "lower", "scored tickets", losses[0], losses[1])


def _shares(model: TextModel, tickets: pd.DataFrame) -> Floats:
    told = TextModel(model.moods, {}).told(tickets["text"].tolist(), tickets["language"].tolist())
    return np.nan_to_num(told["sentiment"].to_numpy(np.float64), nan=UNTOLD)


JUDGE = Judge(load, measure)
