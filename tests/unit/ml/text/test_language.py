from __future__ import annotations

import pytest

from ml.text.language import UNKNOWN, detect


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("I ordered it more than a week ago and the tracking has not moved.", "en"),
        ("我订的 Finch Baby Wipes 已经一个多星期了", "zh"),
        ("注文した商品がまだ届きません", "ja"),
        ("주문한 상품이 아직 도착하지 않았어요", "ko"),
        ("Ich habe das Paket noch nicht bekommen", "de"),
        ("Je n'ai pas reçu le colis que vous avez envoyé", "fr"),
        ("El paquete no ha llegado y ya son dos semanas", "es"),
        ("Где мой заказ?", "ru"),
    ],
)
def test_a_sentence_is_in_its_language(text: str, language: str) -> None:
    assert detect(text) == language


@pytest.mark.parametrize("text", ["", "12345 !!", "Finch Wipes 231", "\U0001f600"])
def test_a_text_that_nothing_speaks_for_is_unknown(text: str) -> None:
    assert detect(text) == UNKNOWN
