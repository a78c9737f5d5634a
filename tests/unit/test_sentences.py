"""Every sentence has its twin in the other language, and every key that a model can give has a sentence."""

from __future__ import annotations

import importlib
import re
from collections import Counter
from pathlib import Path
from string import Formatter
from typing import get_args

import pytest

from lakehouse.errors import InputError
from lakehouse.pipeline import fingerprint
from lakehouse.settings import CHECKOUT, Language, load_settings
from ml.churn.features import COVARIATES
from ml.click import tokens as CLICK
from ml.purchase.features import PLAIN, SPANS
from ml.segment.features import DIMENSIONS
from ml.segment.naming import ARCHETYPES, EVERYBODY
from ml.segment.sentences import ACTIONS
from ml.sentences import Said
from ml.tasks import TASKS
from ml.value.reasons import FEATURES as VALUE
from tests.unit.sentences import MACROS

LANGUAGES = get_args(Language)
CHINESE = re.compile(r"[\u4e00-\u9fff]")
ROOMS = [path.parent.name for path in sorted((CHECKOUT / "ml").glob("*/sentences.py"))]
OF_MARTS = [
    pytest.param(sentence, id=f"{macro}: {key}") for macro, told in MACROS.items() for key, sentence in told.items()
]


def said_in(room: str) -> list[Said]:
    content = vars(importlib.import_module(f"ml.{room}.sentences")).values()
    within = [value for one in content if isinstance(one, dict) for value in one.values()]
    return [one for one in [*content, *within] if isinstance(one, Said)]


def test_the_sentences_of_all_rooms_are_found() -> None:
    assert {"budget", "segment"} <= set(ROOMS)
    assert len(MACROS) >= 9
    assert sum(len(told) for told in MACROS.values()) > 60


@pytest.mark.parametrize("sentence", OF_MARTS)
def test_a_sentence_of_a_mart_has_a_twin_with_the_same_placeholders(sentence: dict[str, str]) -> None:
    assert tuple(sentence) == LANGUAGES
    names = {language: set(re.findall(r"\{(\w+)", sentence[language])) for language in LANGUAGES}
    assert names["en"] == names["zh"]
    plain = {language: re.findall(r"\{(\w+)\}", sentence[language]) for language in LANGUAGES}
    assert Counter(plain["en"]) == Counter(plain["zh"])
    assert "|" not in sentence["zh"]
    if re.sub(r"\{[^}]*\}", "", sentence["en"]):
        assert CHINESE.search(sentence["zh"])
    assert not CHINESE.search(sentence["en"])


@pytest.mark.parametrize("room", ROOMS)
def test_a_sentence_of_a_task_has_a_twin_with_the_same_placeholders(room: str) -> None:
    assert said_in(room)
    for said in said_in(room):
        fields = [sorted((name, form) for _, name, form, _ in Formatter().parse(one) if name) for one in said]
        assert fields[0] == fields[1], said
        assert re.search(r"[\u3000-\u9fff]", said.zh), said
        assert not CHINESE.search(said.en), said


@pytest.mark.parametrize("macro", MACROS)
def test_no_two_sentences_of_a_table_are_alike(macro: str) -> None:
    for language in LANGUAGES:
        told = [sentence[language] for sentence in MACROS[macro].values()]
        assert len(set(told)) == len(told)


def test_every_covariate_of_churn_has_a_sentence() -> None:
    assert set(MACROS["churn_facts"]) == {*COVARIATES, "is_member=0"}


def test_every_feature_of_a_purchase_has_a_sentence_and_every_span_one_for_none() -> None:
    of_none = {f"{name} none" for name in SPANS}
    assert set(MACROS["purchase_facts"]) == {*PLAIN, *of_none, "preferred_channel", "preferred_channel=0"}


def test_a_number_is_told_in_the_form_that_its_feature_has() -> None:
    for name, sentence in {**MACROS["churn_facts"], **MACROS["purchase_facts"]}.items():
        forms = set(re.findall(r"\{(\w+)", sentence["en"]))
        if name.endswith("_amount"):
            assert forms == {"amount"}, name
        elif name.endswith("_rate"):
            assert forms == {"percent"}, name
        elif "_count" in name and " none" not in name:
            assert forms == {"count"}, name


def test_every_segment_has_a_name_and_an_action() -> None:
    kinds = [*ARCHETYPES, EVERYBODY]
    assert set(MACROS["segment_names"]) == {kind.name for kind in kinds}
    assert set(ACTIONS) == {kind.segment_id for kind in kinds}
    assert all(kind.action == ACTIONS[kind.segment_id].en for kind in kinds)
    assert all(sentence["en"] == name for name, sentence in MACROS["segment_names"].items())


def test_every_dimension_of_the_segments_has_a_sentence_in_the_form_that_it_has() -> None:
    assert set(MACROS["segment_facts"]) == set(DIMENSIONS)
    for name, sentence in MACROS["segment_facts"].items():
        forms = set(re.findall(r"\{(\w+)", sentence["en"]))
        is_ago = name == "recency_days" or name.startswith("days_since_")
        assert forms == {"ago" if is_ago else "amount" if name.endswith("_amount") else "count"}, name


def test_every_kind_of_evidence_has_a_deed() -> None:
    kinds = {"bought", "carted", "rated", "viewed"}
    assert set(MACROS["recommend_deeds"]) == set(MACROS["recommend_own_deeds"]) == kinds


def test_every_column_of_the_click_model_has_a_sentence_and_its_own_levels_too() -> None:
    columns = {*CLICK.CONTEXT, *CLICK.PERSON, *CLICK.COUNTS, *CLICK.DAYS, CLICK.AGE, CLICK.MATCH, CLICK.PAIR}
    assert set(MACROS["click_facts"]) == {*columns, CLICK.ATTRIBUTES}
    words = {CLICK.UNKNOWN, CLICK.NEVER, "no", *(f"yes, {level} of views" for level in CLICK.RATE_LEVELS)}
    assert words <= set(MACROS["click_levels"])


def test_another_language_is_another_run_and_scores_what_speaks_itself(tmp_path: Path) -> None:
    english = load_settings(home=tmp_path / "home")
    assert fingerprint(english, None) != fingerprint(english.model_copy(update={"language": "zh"}), None)
    assert {name for name, task in TASKS.items() if "language" in task.heeds} == set(ROOMS)


def test_a_language_that_nobody_speaks_here_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEHOUSE_LANGUAGE", "fr")
    with pytest.raises(InputError, match=r"'language'.*'en' or 'zh'.*LAKEHOUSE_LANGUAGE"):
        load_settings()


def test_every_feature_of_the_value_has_a_sentence() -> None:
    assert set(MACROS["value_facts"]) == set(VALUE)
