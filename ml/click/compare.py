"""Which of two click models says more of later impressions: log loss on those that neither twin has seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml.arrays import Floats
from ml.click.features import read_impressions
from ml.click.fits import ones
from ml.click.model import ClickModel, load
from ml.comparisons import Judge, Rivals, Twins
from ml.frames import F, batches, is_connected
from ml.measures import log_losses
from ml.promotion import Judged

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

MOST_IMPRESSIONS = 200_000
"""The latest of them; more would narrow an interval that is narrow already."""


def measure(rivals: Rivals, twins: Twins) -> Judged | str:
    """The log loss of each impression after both cuts, by both models."""
    impressions = read_impressions(rivals.spark, rivals.as_of)
    since = max(int(twins.champion_until), int(twins.challenger_until))
    if impressions is None:
        return "there are no impressions"
    words, label = later(impressions.where(F.col("second") >= since))
    if len(label) == 0:
        return "no impression is later than what the champion was measured on"
    losses = [log_losses(_probability(model, words), label) for model in (twins.champion, twins.challenger)]
    return Judged("log_loss", "lower", "held-out impressions", losses[0], losses[1])


def later(impressions: DataFrame) -> tuple[pa.Array, Floats]:
    """The lists of words and the labels of these impressions, in the order of time."""
    told = impressions.select("second", "impression_id", "label", "words")
    parts = list(_batches(told))
    if not parts:
        return pa.array([], pa.list_(pa.string())), np.zeros(0)
    table = pa.Table.from_batches(parts)
    order = pc.sort_indices(table, [("second", "ascending"), ("impression_id", "ascending"), ("label", "ascending")])
    table = table.take(order[-MOST_IMPRESSIONS:])
    return table["words"].combine_chunks(), table["label"].to_numpy().astype(np.float64)


def _batches(frame: DataFrame) -> Iterator[pa.RecordBatch]:
    if is_connected(frame.sparkSession):
        yield from batches(frame)
        return
    rows = frame.toPandas()
    yield pa.RecordBatch.from_arrays(
        [
            pa.array(rows["second"], pa.int64()),
            pa.array(rows["impression_id"], pa.string()),
            pa.array(rows["label"], pa.float64()),
            pa.array([list(words) for words in rows["words"]], pa.list_(pa.string())),
        ],
        names=["second", "impression_id", "label", "words"],
    )


def _probability(model: ClickModel, words: pa.Array) -> Floats:
    """Of each list; a word is looked up once, however many impressions have it."""
    if isinstance(words, pa.ChunkedArray):
        words = pa.concat_arrays(words.chunks)
    encoded = words.flatten().dictionary_encode()
    effects = np.array([model.effect(word) for word in encoded.dictionary.to_pylist()], dtype=np.float64)
    ends = np.concatenate([[0], np.cumsum(pc.list_value_length(words).to_numpy())])
    rows = ones(encoded.indices.to_numpy().astype(np.int32), ends, max(1, len(effects)))
    odds = rows @ effects if len(effects) else np.zeros(len(words))
    return model.probability(model.intercept + odds)


JUDGE = Judge(load, measure)
