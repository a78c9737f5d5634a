"""What the text models learn from: tickets with their words, and the scores given as shares of the scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy import sparse

from lakehouse.settings import Settings
from ml import tables
from ml.arrays import Floats
from ml.text.language import detect

READS = ("feat_ticket_text",)
COLUMNS = {
    "source": pa.string(),
    "ticket_id": pa.string(),
    "customer_id": pa.string(),
    "subject": pa.string(),
    "body": pa.string(),
    "satisfaction": pa.float64(),
    "opened_at": pa.timestamp("us", tz="UTC"),
}
LEAST_WRITERS = 5
"""Who must have used a token before a model remembers it: what one customer writes alone, a name or a number, is not
kept."""


@dataclass(frozen=True)
class Vocabulary:
    """Tokens in a fixed order, with how few texts each is in.

    Args:
        inverse_frequency: ln((1 + texts) / (1 + texts with the token)), as Spark's IDF has it.
    """

    tokens: tuple[str, ...]
    inverse_frequency: Floats

    def matrix(self, texts: Sequence[Sequence[str]]) -> sparse.csr_matrix:
        """Texts x tokens: the inverse frequency wherever a text has a token, each row of length 1 (or 0)."""
        counts = presence(texts, {token: place for place, token in enumerate(self.tokens)})
        weighed = counts @ sparse.diags(self.inverse_frequency)
        norms = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=1)).ravel())
        return sparse.csr_matrix(sparse.diags(1.0 / np.where(norms > 0, norms, 1.0)) @ weighed)


def vocabulary(
    texts: Sequence[Sequence[str]],
    writers: Sequence[str],
    least_writers: int = LEAST_WRITERS,
    most_share: float = 1.0,
) -> Vocabulary:
    """The tokens that at least so many writers use, and at most this share of the texts, sorted.

    Args:
        texts: the tokens of each text.
        writers: who wrote each text.
    """
    known = {token: place for place, token in enumerate(sorted({token for text in texts for token in text}))}
    if not known:
        return Vocabulary((), np.zeros(0))
    inside = presence(texts, known)
    _, writer = np.unique(np.asarray(writers, dtype=object).astype(str), return_inverse=True)
    by_writer = sparse.csr_matrix((np.ones(len(texts)), (writer, np.arange(len(texts))))) @ inside
    texts_with = np.asarray(inside.sum(axis=0)).ravel()
    writers_with = np.asarray((by_writer > 0).sum(axis=0)).ravel()
    kept = np.flatnonzero((writers_with >= least_writers) & (texts_with <= most_share * len(texts)))
    names = list(known)
    rarity = np.log((1.0 + len(texts)) / (1.0 + texts_with[kept]))
    return Vocabulary(tuple(names[place] for place in kept), rarity)


def presence(texts: Sequence[Sequence[str]], known: dict[str, int]) -> sparse.csr_matrix:
    """Texts x tokens: 1 where a text has a token, however often; unknown tokens are left out."""
    places = [sorted({known[token] for token in text if token in known}) for text in texts]
    ends = np.cumsum([0, *map(len, places)])
    columns = np.array([place for row in places for place in row], dtype=np.int64)
    return sparse.csr_matrix((np.ones(len(columns)), columns, ends), shape=(len(texts), len(known)))


def read_tickets(settings: Settings) -> pd.DataFrame:
    """`read_texts`, with what moods are learnt from.

    `language` is what the text is in, `writer` the customer (or the ticket, where nobody is named). `mood` is the given
    score as a share of its source's scale, 0 the lowest score that was given there and 1 the highest, NaN without one.
    """
    rows = read_texts(settings)
    rows["language"] = [detect(text) for text in rows["text"]]
    rows["writer"] = rows["customer_id"].fillna("ticket " + rows["source"] + " " + rows["ticket_id"])
    scale = rows.groupby("source")["satisfaction"]
    lowest, highest = scale.transform("min"), scale.transform("max")
    rows["mood"] = (rows["satisfaction"] - lowest) / (highest - lowest).where(highest > lowest)
    return rows.drop(columns="satisfaction")


def read_texts(settings: Settings) -> pd.DataFrame:
    """One row per ticket of gold.feat_ticket_text, in the order of (source, ticket_id): `text` is subject and body."""
    batches = tables.gold_rows(settings, "feat_ticket_text", COLUMNS)
    rows = pa.Table.from_batches(list(batches)).to_pandas()
    return with_text(rows.sort_values(["source", "ticket_id"], ignore_index=True))


def with_text(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with `text` in the place of `subject` and `body`."""
    text = (rows["subject"].fillna("") + "\n" + rows["body"].fillna("")).str.strip()
    return rows.drop(columns=["subject", "body"]).assign(text=text)


def is_of(rows: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """The tickets opened up to and including the day (UTC)."""
    return rows[rows["opened_at"].dt.date <= as_of].reset_index(drop=True)
