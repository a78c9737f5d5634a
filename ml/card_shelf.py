"""The cards of a home: found by task and version, with what has become of the model since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lakehouse.settings import Settings
from ml import cards, champions
from ml.store import has_store


@dataclass(frozen=True)
class Shelved:
    """A card of a training that this home did.

    Args:
        version: None for a task that registers no model.
        standing: sentences on which version it is, whether it serves and why.
    """

    card: cards.Card
    version: str | None
    standing: Sequence[str]


def shelved(settings: Settings, task: str, version: str | None = None) -> Shelved | None:
    """The card of a version, by default of the champion; of a task that registers no model, of its last run.

    None where there is none. Looking makes no store where there is none.
    """
    if not has_store(settings):
        return None
    of = champions.throne(settings, task)
    if version is None and of.champion is not None:
        version = of.champion.version
    found = cards.read(settings, task, version)
    return None if found is None else Shelved(found, version, _standing(of, version))


def _standing(of: champions.Throne, version: str | None) -> list[str]:
    if version is None:
        return ["No model is registered: the task learns nothing. This is its last run."]
    for name, model in (("the champion, which serves", of.champion), ("the challenger", of.challenger)):
        if model is not None and model.version == version:
            return [f"Version {version}, {name}" + (f": {model.why}." if model.why else ".")]
    return [f"Version {version}, which does not serve."]
