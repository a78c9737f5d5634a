"""Moods of real reviews that the fit never saw, beside the known figures; both languages by the text room's own fit.

PYTHONPATH=. LAKEHOUSE_DATA_DIR=../shared/data python benchmarks/evaluations/text.py

waimai_10k_reviews        11,987 reviews of meals in Chinese, one fifth held out (stratified, seed 42), read once
vader_amazonReviewSnippets 3,708 sentences in English with the mean of twenty people's ratings, -4 to 4; every fifth
                          review (by seed 42) held out with all of its sentences, read once
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import GroupShuffleSplit, train_test_split

from lakehouse.settings import load_settings
from ml.text.fits import fit_mood
from ml.text.language import detect
from ml.text.tokens import phrases

SEED, HELD_OUT = 42, 0.2
NAIVE_BAYES_ACCURACY, NAIVE_BAYES_F1 = 0.877, 0.820
"""Multinomial naive Bayes on characters, the same split: ../shared/data/README.md."""
LEAST_CORRELATION, VADER_CORRELATION = 0.5, 0.5896


def rows() -> list[tuple[str, str, str, bool]]:
    """What was measured, our figure, the reference, and whether it is reached."""
    return [*waimai(), *amazon()]


def waimai() -> list[tuple[str, str, str, bool]]:
    """Accuracy and F1 of the positive ones on the held-out fifth."""
    reviews = _read("waimai_10k_reviews")
    label = reviews["label"].to_numpy()
    texts = [phrases(text, "zh") for text in reviews["review"]]
    known, later = train_test_split(np.arange(len(label)), test_size=HELD_OUT, stratify=label, random_state=SEED)
    mood = fit_mood([texts[n] for n in known], label[known].astype(np.float64), [str(n) for n in known])
    told = mood.logit([texts[n] for n in later]) > 0
    accuracy, f1 = accuracy_score(label[later], told), f1_score(label[later], told)
    is_chinese = np.mean([detect(text) == "zh" for text in reviews["review"]])
    return [
        _row("text: waimai, accuracy", accuracy, NAIVE_BAYES_ACCURACY),
        _row("text: waimai, F1", f1, NAIVE_BAYES_F1),
        _row("text: waimai, share told to be Chinese", float(is_chinese), 0.99),
    ]


def amazon() -> list[tuple[str, str, str, bool]]:
    """Pearson's correlation of our log odds with people's mean rating on the held-out reviews."""
    snippets = _read("vader_amazonReviewSnippets")
    rating = snippets["mean_sentiment"].to_numpy(dtype=np.float64)
    texts = [phrases(text, "en") for text in snippets["text"]]
    review = snippets["id"].str.split("_").str[0].to_numpy()
    splitter = GroupShuffleSplit(1, test_size=HELD_OUT, random_state=SEED)
    known, later = next(splitter.split(texts, groups=review))
    mood = fit_mood([texts[n] for n in known], (rating[known] + 4) / 8, [str(n) for n in known])
    reached = np.corrcoef(mood.logit([texts[n] for n in later]), rating[later])[0, 1]
    is_english = np.mean([detect(text) == "en" for text in snippets["text"]])
    return [
        _row("text: Amazon snippets, correlation with people", float(reached), LEAST_CORRELATION),
        _row("text: Amazon snippets, correlation beside VADER's (all rows)", float(reached), VADER_CORRELATION),
        _row("text: Amazon snippets, share told to be English", float(is_english), 0.8),
    ]


def _row(what: str, reached: float, least: float) -> tuple[str, str, str, bool]:
    return what, f"{reached:.4f}", f">= {least:.4f}", bool(reached >= least)


def _read(name: str) -> pd.DataFrame:
    return pd.read_csv(load_settings().data_dir / f"{name}.csv.gz")


if __name__ == "__main__":
    for what, ours, reference, is_passed in rows():
        print(f"{what:70} {ours:>10} {reference:>10} {'pass' if is_passed else 'FAIL'}")
