from __future__ import annotations

from ml.text.tokens import phrases, words


def test_phrases_are_units_and_pairs_of_neighbours() -> None:
    assert phrases("Not good, NOT bad", "en") == ["not", "good", "not", "bad", "not good", "good not", "not bad"]
    assert phrases("味道 好", "zh") == ["味", "道", "好", "味道", "道好"]
    assert phrases("", "en") == []


def test_wide_letters_and_curly_apostrophes_are_the_plain_ones() -> None:
    assert phrases("Ｄon’t", "en") == ["don't"]


def test_chinese_words_are_those_of_a_dictionary_and_single_characters_name_no_topic() -> None:
    assert words("快递显示已签收，但是没有收到东西", "zh") == ["快递", "显示", "签收", "但是", "没有", "收到", "东西"]


def test_function_words_numbers_and_short_words_name_no_topic() -> None:
    assert words("The courier rang at 10 on my door", "en") == ["courier", "rang", "door"]
