"""The sentences of the marts as the macros of `dbt_project/macros/sentences` declare them."""

from __future__ import annotations

import re
from typing import Any

import jinja2

from lakehouse.settings import CHECKOUT

FOLDER = CHECKOUT / "dbt_project" / "macros" / "sentences"


def declared() -> dict[str, dict[str, dict[str, str]]]:
    """Macro -> key -> language -> sentence."""
    found: dict[str, Any] = {}
    for file in sorted(FOLDER.glob("*.sql")):
        returned: list[Any] = []
        environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
        environment.globals["return"] = returned.append
        module = environment.from_string(file.read_text(encoding="utf-8")).module
        for name in sorted(name for name in vars(module) if not name.startswith("_")):  # Jinja keeps them in a set
            getattr(module, name)()
            found[name] = returned.pop()
    return found


MACROS = declared()


def keys_of(said: str, language: str, reasons: str, facts: str, part: str = "fact") -> set[tuple[str, str]]:
    """(key of the reason, key of the fact in it) of every way in which a sentence can have come about.

    Args:
        said: the sentence.
        reasons: macro of the sentences with a place for a fact.
        facts: macro of the facts.
        part: the place's name.
    """
    found = set()
    for reason, frame in MACROS[reasons].items():
        for key, fact in MACROS[facts].items():
            whole = frame[language].replace(f"{{{part}}}", fact[language])
            if re.fullmatch(_pattern(whole), said):
                found.add((reason, key if whole != frame[language] else ""))
    return found


def _pattern(sentence: str) -> str:
    """What a sentence looks like with its placeholders filled: by a word, an amount with its currency, or a level."""
    forms = {"level": ".+", "title": ".+", "conflict": ".+", "segment": ".+", "other": ".+"}
    forms["ago"] = r"(?:today|yesterday|[\d,]+ days ago|今天|昨天|[\d,]+天前)"
    parts = []
    for text in re.split(r"(\{[^}]*\})", sentence):
        name, _, words = text[1:-1].partition(":") if text.startswith("{") else ("", "", "")
        if not name:
            parts.append(re.escape(text))
        elif words:
            parts.append(f"(?:{'|'.join(map(re.escape, words.split('|')))})")
        else:
            parts.append(forms.get(name, r"[^\s，；：]+(?: [A-Z]{3})?"))
    return "".join(parts)
