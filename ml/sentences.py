"""A sentence in every language that a home can be told in (setting `language`).

What a task says itself is declared in its `sentences.py`; what marts say of its scores, in
`dbt_project/macros/sentences/`.
"""

from __future__ import annotations

from typing import NamedTuple

from lakehouse.settings import Language


class Said(NamedTuple):
    """The same in English and in Chinese, with the same placeholders of `str.format` in both.

    >>> Said("{channel} costs {cost:,.2f}", "{channel}花费{cost:,.2f}").told("zh", channel="sms", cost=1200)
    'sms花费1,200.00'
    """

    en: str
    zh: str

    def told(self, language: Language, **values: object) -> str:
        """In one language, with its placeholders filled."""
        sentence: str = getattr(self, language)
        return sentence.format(**values)
