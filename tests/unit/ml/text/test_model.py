from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pandas as pd

from ml.held_out import with_intervals
from ml.text.features import vocabulary
from ml.text.fits import by_scikit_learn, fit_mood
from ml.text.model import TextModel, labels, load
from ml.text.topics import Topics
from ml.text.train import LEAST_OF_A_SIDE, LEAST_SCORED, Measured, learn_moods, measure
from tests.unit.ml.text.test_fits import SHARES, TEXTS


def small_model() -> TextModel:
    known = vocabulary([["parcel", "late"], ["refund"]], ["a", "b"], least_writers=1)
    topics = Topics(known, np.array([[0.8, 0.6, 0.0], [0.0, 0.0, 1.0]]))  # late, parcel, refund
    mood = fit_mood(TEXTS, SHARES, list("abcdefg"), least_writers=1)
    assert mood is not None
    return TextModel({"en": mood}, {"en": topics})


def test_a_saved_model_tells_the_same(tmp_path: Path) -> None:
    model, rows = (
        small_model(),
        pd.DataFrame({"text": ["It is good", "Is the refund late?", "太慢了", "", "It is bad"]}),
    )
    model.save(tmp_path)

    told = load(tmp_path).predict(rows)

    pd.testing.assert_frame_equal(told, model.predict(rows))
    assert told["language"].tolist() == ["en", "en", "zh", "unknown", "en"]
    assert told["sentiment_label"].tolist() == ["positive", "neutral", "unknown", "unknown", "negative"]
    assert told["topic"].tolist() == ["unknown", "refund", "unknown", "unknown", "unknown"]
    assert told["sentiment"].isna().tolist() == [False, False, True, True, False]


def test_the_reason_is_the_word_whose_absence_would_move_the_log_odds_most() -> None:
    mood = small_model().moods["en"]
    texts = [["it", "is", "good"], ["it", "is", "bad"], ["is", "good", "bad", "it is"], ["unheard"]]

    tokens, effects = mood.reasons(texts)

    weights = mood.known.matrix(texts).toarray()
    for row in range(3):
        moved = {
            token: abs(weights[row, place] * mood.coefficients[place])
            for place, token in enumerate(mood.known.tokens)
            if weights[row, place]
        }
        assert moved[tokens[row]] == max(moved.values()) == abs(effects[row])
    added = (weights * mood.coefficients).sum(axis=1) + mood.intercept
    np.testing.assert_allclose(mood.logit(texts), added)
    assert (effects[0] > 0, effects[1] < 0, tokens[3], np.isnan(effects[3])) == (True, True, None, True)


def test_what_is_not_known_is_called_so() -> None:
    assert labels(np.array([0.4, 0.41, 0.59, 0.6, np.nan])) == ["negative", "neutral", "neutral", "positive", "unknown"]


def tickets(count: int, share_of_praise: float, language: str = "en") -> pd.DataFrame:
    """Scored tickets of as many customers, the praise spread evenly over time."""
    is_praise = np.floor(np.arange(1, count + 1) * share_of_praise) > np.floor(np.arange(count) * share_of_praise)
    start = datetime(2024, 1, 1, tzinfo=timezone.utc)
    return pd.DataFrame(
        {
            "source": "s",
            "ticket_id": [f"{n:04d}" for n in range(count)],
            "text": ["it is good" if good else "it is bad" for good in is_praise],
            "language": language,
            "writer": [str(n) for n in range(count)],
            "mood": is_praise.astype(np.float64),
            "opened_at": [start + timedelta(hours=n) for n in range(count)],
        }
    )


def test_a_language_with_few_scores_or_of_one_kind_stays_unknown() -> None:
    enough = LEAST_OF_A_SIDE / LEAST_SCORED
    assert set(learn_moods(tickets(LEAST_SCORED, enough), by_scikit_learn)) == {"en"}
    assert learn_moods(tickets(LEAST_SCORED - 1, 0.5), by_scikit_learn) == {}
    assert learn_moods(tickets(LEAST_SCORED, enough - 0.05), by_scikit_learn) == {}
    assert learn_moods(tickets(LEAST_SCORED, 0.5, language="unknown"), by_scikit_learn) == {}


def test_four_customers_teach_nothing_however_much_they_write() -> None:
    few = tickets(200, 0.5)
    few["writer"] = [str(n % 4) for n in range(200)]
    assert learn_moods(few, by_scikit_learn) == {}


def test_quality_is_measured_on_later_tickets_and_beside_their_mean() -> None:
    found = {metric.name: metric for metric in measure(tickets(200, 0.5), by_scikit_learn).metrics}
    assert (found["mood_auc"].value, found["mood_auc"].baseline_value) == (1.0, 0.5)
    assert found["mood_accuracy"].value == 1.0
    assert found["mood_log_loss"].value < 0.2 < 0.69 < (found["mood_log_loss"].baseline_value or 0)
    assert measure(tickets(50, 0.5), by_scikit_learn) == Measured([], None)


def test_every_measure_of_the_mood_has_its_interval() -> None:
    mixed = tickets(300, 0.5)
    mixed.loc[::7, "text"] = "it is"  # told by neither word
    mixed.loc[::10, "mood"] = 0.5  # on neither side
    found = measure(mixed, by_scikit_learn)
    told = with_intervals(found.metrics, found.held_out, 7)
    assert len(told) == 4
    for metric in told:
        assert metric.interval_low is not None, metric.name
        assert metric.interval_low <= metric.value <= (metric.interval_high or -1), metric.name
        assert (metric.lead_low is None) == (metric.name == "mood_correlation")  # one mean for all does not vary


def test_what_is_measured_knows_nothing_of_the_tickets_that_it_is_measured_on() -> None:
    turned = tickets(200, 0.5)
    later = turned.index >= 160
    turned.loc[later, "mood"] = 1.0 - turned.loc[later, "mood"]
    assert {metric.name: metric.value for metric in measure(turned, by_scikit_learn).metrics}["mood_auc"] == 0.0
