"""Texts as lists of tokens: the phrases that carry a mood, and the words that name a topic."""

from __future__ import annotations

import re
import tempfile
import unicodedata
from functools import cache
from typing import Any

from ml.text.language import FUNCTION_WORDS

WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
BLANK = re.compile(r"\s+")
LEAST_LETTERS = {"zh": 2}
"""Of a word that names a topic; three where nothing else is said."""


def plain(text: str) -> str:
    """One spelling of each character (Unicode NFKC), in lower case."""
    return unicodedata.normalize("NFKC", text).lower().replace("\u2019", "'")


def phrases(text: str, language: str) -> list[str]:
    """The single tokens and pairs of neighbours of a text, for its mood: words, in Chinese characters.

    Characters do as well as the words of a segmenter there (three folds of the training part of waimai: accuracy .901
    and .892, both together .901) and need no dictionary.
    """
    units = list(BLANK.sub("", plain(text))) if language == "zh" else WORD.findall(plain(text))
    gap = "" if language == "zh" else " "
    return units + [one + gap + other for one, other in zip(units, units[1:], strict=False)]


def words(text: str, language: str) -> list[str]:
    """The words of a text, for its topic: Chinese by jieba's dictionary and hidden Markov model, others by blanks.

    Function words, numbers and words of few letters are left out.
    """
    whole = _segmenter().lcut(plain(text)) if language == "zh" else WORD.findall(plain(text))
    least, known = LEAST_LETTERS.get(language, 3), FUNCTION_WORDS.get(language, frozenset())
    return [word for word in whole if len(word) >= least and word not in known and word.isalpha()]


@cache
def _segmenter() -> Any:
    """jieba, with its dictionary read anew: its cache lies where any user of the machine could have put another."""
    import logging

    import jieba  # type: ignore[import-untyped]

    jieba.setLogLevel(logging.ERROR)
    segmenter = jieba.Tokenizer()
    with tempfile.TemporaryDirectory() as folder:
        segmenter.tmp_dir = folder
        segmenter.initialize()
    return segmenter
