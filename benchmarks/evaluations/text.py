"""Moods of real reviews that the fit never saw, beside the known figures; both languages by the text room's own fits.

Each is learnt twice: by scikit-learn in this process, as `engine: sail` does, and by a Spark NLP pipeline with MLlib in
a session of Spark's own, as `engine: spark` does.

waimai_10k_reviews        11,987 reviews of meals in Chinese, one fifth held out (stratified, seed 42), read once
vader_amazonReviewSnippets 3,708 sentences in English with the mean of twenty people's ratings, -4 to 4; every fifth
                          review (by seed 42) held out with all of its sentences, read once
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import GroupShuffleSplit, train_test_split

from benchmarks.evaluations import DataSet, Row
from lakehouse.session import start_session
from lakehouse.settings import load_settings
from ml.text.fits import Fit, by_scikit_learn, fits_of
from ml.text.language import detect
from ml.text.tokens import phrases

SEED, HELD_OUT = 42, 0.2
NAIVE_BAYES_ACCURACY, NAIVE_BAYES_F1 = 0.877, 0.820
"""Multinomial naive Bayes on characters, the same split: ../shared/data/README.md."""
LEAST_CORRELATION, VADER_CORRELATION = 0.5, 0.5896


def by_spark_nlp() -> list[Row]:
    """Both, by Spark NLP and MLlib; what is asked of the texts alone is not told again."""
    with tempfile.TemporaryDirectory(prefix="text-") as folder:
        settings = load_settings(home=Path(folder) / "home", engine="spark", spark_master="local[2]")
        fit = fits_of(start_session(settings))
        found = [*waimai(fit), *amazon(fit)]
    return [(what.replace("text:", "text by Spark NLP:"), *rest) for what, *rest in found if "share told" not in what]


def waimai(fit: Fit) -> list[Row]:
    """Accuracy and F1 of the positive ones on the held-out fifth."""
    reviews = _read("waimai_10k_reviews")
    label = reviews["label"].to_numpy()
    texts = reviews["review"].to_numpy()
    known, later = train_test_split(np.arange(len(label)), test_size=HELD_OUT, stratify=label, random_state=SEED)
    mood = fit(texts[known], "zh", label[known].astype(np.float64), [str(n) for n in known])
    assert mood is not None
    told = mood.logit([phrases(text, "zh") for text in texts[later]]) > 0
    accuracy, f1 = accuracy_score(label[later], told), f1_score(label[later], told)
    is_chinese = np.mean([detect(text) == "zh" for text in reviews["review"]])
    return [
        _row("text: waimai, accuracy", accuracy, NAIVE_BAYES_ACCURACY),
        _row("text: waimai, F1", f1, NAIVE_BAYES_F1),
        _row("text: waimai, share told to be Chinese", float(is_chinese), 0.99),
    ]


def amazon(fit: Fit) -> list[Row]:
    """Pearson's correlation of our log odds with people's mean rating on the held-out reviews."""
    snippets = _read("vader_amazonReviewSnippets")
    rating = snippets["mean_sentiment"].to_numpy(dtype=np.float64)
    texts = snippets["text"].to_numpy()
    review = snippets["id"].str.split("_").str[0].to_numpy()
    splitter = GroupShuffleSplit(1, test_size=HELD_OUT, random_state=SEED)
    known, later = next(splitter.split(texts, groups=review))
    mood = fit(texts[known], "en", (rating[known] + 4) / 8, [str(n) for n in known])
    assert mood is not None
    reached = np.corrcoef(mood.logit([phrases(text, "en") for text in texts[later]]), rating[later])[0, 1]
    is_english = np.mean([detect(text) == "en" for text in snippets["text"]])
    return [
        _row("text: Amazon snippets, correlation with people", float(reached), LEAST_CORRELATION),
        _row("text: Amazon snippets, correlation beside VADER's (all rows)", float(reached), VADER_CORRELATION),
        _row("text: Amazon snippets, share told to be English", float(is_english), 0.8),
    ]


def _row(what: str, reached: float, least: float) -> Row:
    return what, f"{reached:.4f}", f">= {least:.4f}", bool(reached >= least)


def _read(name: str) -> pd.DataFrame:
    return pd.read_csv(load_settings().data_dir / f"{name}.csv.gz")


WAIMAI, AMAZON = "waimai_10k_reviews.csv.gz", "vader_amazonReviewSnippets.csv.gz"
ON = {
    "waimai": DataSet(lambda: waimai(by_scikit_learn), (WAIMAI,)),
    "amazon-snippets": DataSet(lambda: amazon(by_scikit_learn), (AMAZON,)),
    "spark-nlp": DataSet(by_spark_nlp, (WAIMAI, AMAZON)),
}
