"""Phones, e-mail addresses, identity cards and bank cards within words that people or programs wrote: `***` for each.

A form is looked for first, and what has it is judged as `lakehouse privacy classify` judges a column: by numbering plan
or check digit. Names, and numbers that people spell out, are not found.
"""

from __future__ import annotations

import re
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.privacy import guess
from lakehouse.privacy.masks import HIDDEN

_CANDIDATE = r"@|%40|[0-9](?:[ ().-]?[0-9]){6}"
"""What a text must have to be looked at any closer; Arrow tells it of a million texts in a third of a second."""
_HOME = frozenset({"CN"})
"""Whose mobile numbers may stand without a country code, as in silver."""
_EMAIL = re.compile(r"[A-Za-z0-9À-ɏ._%+-]+(?:@|%40)(?:[A-Za-z0-9À-ɏ-]+\.)+[A-Za-z]{2,}")
_ID_CARD = re.compile(r"(?<!\d)[1-8]\d{16}[\dXx](?!\d)")
_MOBILE = re.compile(r"(?<!\d)(?:(?:\+|00)?86[ -]?)?\(?1[3-9]\d\)?[ -]?\d{4}[ -]?\d{4}(?!\d)")
_BANK_CARD = re.compile(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)")
_ABROAD = re.compile(
    r"(?<![\d+])(?:\+|%2B|(?:(?<![A-Z])|(?<=TEL)|(?<=FAX)|(?<=PHONE))00)[1-9](?:[ ().-]{0,2}\d){6,13}(?!\d)", re.I
)
"""Two zeros after a letter are no way to dial abroad but a number such as SO002784851, of an order."""
_LANDLINE = re.compile(r"(?<!\d)\(?0\d{2,3}\)?[ -]\d{3,4}[ -]?\d{4}(?!\d)")
_BRANDS = re.compile(r"4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|6\d{15,18}|3[056]\d{12}|35\d{14}")
"""Visa, Mastercard, American Express, UnionPay and Discover, Diners, JCB: of other rows of digits every tenth passes
Luhn's test by chance."""


def without_identifiers(column: pa.Array) -> pa.Array:
    """A column of text with `***` for each identifier found in it; the very same object where there is none."""
    flags = pc.fill_null(pc.match_substring_regex(column, _CANDIDATE), False)
    if not pc.any(flags).as_py():
        return column
    candidates = column.filter(flags).dictionary_encode()
    texts = candidates.dictionary.to_pylist()
    cleaned = [cleared(text) for text in texts]
    if cleaned == texts:
        return column
    return pc.replace_with_mask(column, flags, pa.array(cleaned, column.type).take(candidates.indices))


def cleared(text: str) -> str:
    """A text with `***` for each identifier found in it."""
    text = _EMAIL.sub(HIDDEN, text)
    text = _ID_CARD.sub(lambda found: HIDDEN if guess.is_id_card(found[0]) else found[0], text)
    text = _MOBILE.sub(lambda found: HIDDEN if _is_phone(found[0]) else found[0], text)
    text = _BANK_CARD.sub(lambda found: HIDDEN if _is_bank_card(found[0]) else found[0], text)
    text = _ABROAD.sub(lambda found: HIDDEN if _is_valid_abroad(found[0]) else found[0], text)
    return _LANDLINE.sub(lambda found: HIDDEN if _is_phone(found[0]) else found[0], text)


def _is_bank_card(text: str) -> bool:
    return _BRANDS.fullmatch(re.sub("[ -]", "", text)) is not None and guess.is_bank_card(text)


def _is_phone(text: str) -> bool:
    written = text if text.startswith(("+", "00")) or not re.match(r"86[ -]?\(?1", text) else f"+{text}"
    return guess.phone_judge(_HOME, True)(written)


@lru_cache(maxsize=1 << 14)
def _is_valid_abroad(text: str) -> bool:
    """More than possible: of codes that begin with zeros many are possible numbers."""
    import phonenumbers

    try:
        number = phonenumbers.parse(re.sub("^(00|%2B)", "+", text))
    except phonenumbers.NumberParseException:
        return False
    return bool(phonenumbers.is_valid_number(number))
