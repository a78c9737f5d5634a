from __future__ import annotations

import numpy as np
import pytest

from ml.text.features import presence
from ml.text.topics import NOTHING, coherence, find_topics

TOPICS = (
    "parcel courier delivery late tracking",
    "refund money return account bank",
    "broken crack quality box poor",
    "points login password app page",
)


def planted(seed: int, texts: int = 120) -> tuple[list[list[str]], list[int]]:
    """Texts of three words of one topic and one word of any."""
    rng = np.random.default_rng(seed)
    kinds = [n % len(TOPICS) for n in range(texts)]
    every = " ".join(TOPICS).split()
    return [[*rng.choice(TOPICS[k].split(), 3, replace=False), rng.choice(every)] for k in kinds], kinds


def test_planted_topics_are_found_with_their_number_and_words() -> None:
    texts, kinds = planted(3)
    found = find_topics(texts, [str(n) for n in range(len(texts))], seed=7)
    assert found is not None
    assert {frozenset(terms) for terms in found.terms} == {frozenset(words.split()) for words in TOPICS}
    nearest = found.nearest(texts)
    own = [int(np.bincount(nearest[np.array(kinds) == kind]).argmax()) for kind in range(4)]
    assert sorted(own) == [0, 1, 2, 3]
    assert np.mean([own[kind] == topic for kind, topic in zip(kinds, nearest, strict=True)]) > 0.9
    assert found.nearest([["unheard"], []]).tolist() == [NOTHING, NOTHING]


def test_topics_repeat_to_the_last_bit() -> None:
    texts, _ = planted(3)
    one, other = (find_topics(texts, [str(n) for n in range(len(texts))], seed=7) for _ in range(2))
    assert one is not None
    assert other is not None
    assert one.weights.tolist() == other.weights.tolist()


def test_too_few_texts_have_no_topics() -> None:
    assert find_topics([["parcel"]] * 5, list("abcde"), seed=7) is None


def test_coherence_by_hand() -> None:
    inside = presence([["a", "b"], ["a", "b"], ["c"], ["d"]], {"a": 0, "b": 1, "c": 2, "d": 3})
    # a and b always meet: ln(.5 / .25) / -ln .5 = 1; a and c never: -1.
    assert coherence(np.array([[1.0, 0.9]]), inside[:, [0, 1]]) == pytest.approx(1.0)
    assert coherence(np.array([[1.0, 0.9]]), inside[:, [0, 2]]) == -1.0
