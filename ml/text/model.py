"""The text model: per language a mood and topics, as arrays and lists of words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ml.arrays import Floats
from ml.text.features import Vocabulary
from ml.text.language import UNKNOWN, detect
from ml.text.mood import Mood
from ml.text.tokens import phrases, words
from ml.text.topics import NAME_TERMS, NOTHING, Topics

POSITIVE_FROM, NEGATIVE_TO = 0.6, 0.4
"""Shares of the scale: on one from 1 to 5, more than 3.4 and less than 2.6."""


@dataclass(frozen=True)
class TextModel:
    """What was learnt of each language; one of which too little was seen is in neither."""

    moods: dict[str, Mood]
    topics: dict[str, Topics]

    def told(self, texts: Sequence[str], languages: Sequence[str]) -> pd.DataFrame:
        """One row per text: `sentiment` (0 to 1, NaN where not known), `sentiment_label`, `topic`, `topic_terms`.

        `reason_feature` is the token that adds most to the log odds of the sentiment, `reason_effect` what it adds.
        """
        frame = pd.DataFrame({"text": list(texts), "language": list(languages)}, dtype=object)
        sentiment = np.full(len(frame), np.nan)
        effect = np.full(len(frame), np.nan)
        tokens = np.full(len(frame), None, dtype=object)
        terms: list[list[str]] = [[] for _ in range(len(frame))]
        for language, rows in frame.groupby("language").groups.items():
            some = frame["text"].loc[rows].tolist()
            if language in self.moods:
                said = [phrases(text, language) for text in some]
                sentiment[rows] = self.moods[language].probability(said)
                tokens[rows], effect[rows] = self.moods[language].reasons(said)
            if language in self.topics:
                of_topic = self.topics[language].terms
                nearest = self.topics[language].nearest([words(text, language) for text in some])
                for row, topic in zip(rows, nearest, strict=True):
                    terms[row] = of_topic[topic] if topic != NOTHING else []
        return pd.DataFrame(
            {
                "sentiment": sentiment,
                "sentiment_label": labels(sentiment),
                "topic": [", ".join(some[:NAME_TERMS]) or UNKNOWN for some in terms],
                "topic_terms": terms,
                "reason_feature": tokens,
                "reason_effect": effect,
            }
        )

    def predict(self, rows: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """`language` and what `told` says of rows with a `text`."""
        languages = [detect(text) for text in rows["text"]]
        return self.told(rows["text"].tolist(), languages).assign(language=languages)

    def save(self, folder: Path) -> None:
        """Write `words.json` and `arrays.npz`."""
        arrays: dict[str, Floats] = {}
        content: dict[str, dict[str, Any]] = {"moods": {}, "topics": {}}
        for language, mood in self.moods.items():
            content["moods"][language] = {"tokens": mood.known.tokens, "intercept": mood.intercept}
            arrays[f"mood_{language}_rarity"] = mood.known.inverse_frequency
            arrays[f"mood_{language}_weights"] = mood.coefficients
        for language, topics in self.topics.items():
            content["topics"][language] = {"tokens": topics.known.tokens}
            arrays[f"topics_{language}_rarity"] = topics.known.inverse_frequency
            arrays[f"topics_{language}_weights"] = topics.weights
        (folder / "words.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        np.savez(folder / "arrays.npz", **arrays)  # type: ignore[arg-type]


def labels(sentiment: Floats) -> list[str]:
    """positive, neutral, negative, or unknown where there is no number."""
    named = np.select(
        [np.isnan(sentiment), sentiment >= POSITIVE_FROM, sentiment <= NEGATIVE_TO],
        [UNKNOWN, "positive", "negative"],
        "neutral",
    )
    return [str(name) for name in named]


def load(folder: Path) -> TextModel:
    """The model that `save` wrote."""
    content = json.loads((folder / "words.json").read_text(encoding="utf-8"))
    with np.load(folder / "arrays.npz") as arrays:
        moods = {
            language: Mood(
                Vocabulary(tuple(told["tokens"]), arrays[f"mood_{language}_rarity"]),
                arrays[f"mood_{language}_weights"],
                told["intercept"],
            )
            for language, told in content["moods"].items()
        }
        topics = {
            language: Topics(
                Vocabulary(tuple(told["tokens"]), arrays[f"topics_{language}_rarity"]),
                arrays[f"topics_{language}_weights"],
            )
            for language, told in content["topics"].items()
        }
    return TextModel(moods, topics)


def _load_pyfunc(path: str) -> TextModel:
    """MLflow's entry point."""
    return load(Path(path))
