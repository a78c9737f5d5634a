"""Which model of a task serves: what a training was judged to be, the champions there were, promotion and rollback.

A training ends with one mark on its model version: what it was trained from, and the verdict. The aliases `champion`
and `challenger` follow from it (`settle`), so that a kill between the two is made good by the next run. The champions
that there were are a tag of the registered model, oldest first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from lakehouse.errors import InputError
from lakehouse.settings import Settings
from ml.promotion import Verdict
from ml.registry import CHAMPION, champion_version
from ml.store import open_store

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

CHALLENGER = "challenger"
HISTORY = "champions"
SETTLED = "verdict.is_settled"
BY_HAND = "verdict.is_by_hand"
OUTDATED = "outdated.by"
"""On versions that were trained on what has been erased since, or is past its retention: by which erasure or expiry."""


@dataclass(frozen=True)
class Trained:
    """What a model was trained from, written down once all that its training leaves is there."""

    as_of: date
    rows: int
    code: str
    seed: int


@dataclass(frozen=True)
class Standing:
    """A version and what is known of it.

    Args:
        trained: None where its training was killed.
        is_promoted: what its training was judged to be; None where it was registered before there were verdicts.
        is_outdated: it was trained on somebody who has been erased since, or on rows past their retention.
    """

    version: str
    trained: Trained | None
    is_promoted: bool | None
    why: str
    is_outdated: bool = False


@dataclass(frozen=True)
class Throne:
    """The models of a task: who serves, who was trained last without being promoted, and who served before."""

    champion: Standing | None
    challenger: Standing | None
    history: tuple[str, ...]


def mark_trained(settings: Settings, task: str, version: str, trained: Trained, verdict: Verdict) -> None:
    """Write beside a model version how it was judged and what it was trained from, then make the aliases follow."""
    client = open_store(settings)
    tags = {f"verdict.{name}": str(value) for name, value in asdict(verdict).items() if value is not None}
    tags |= {f"trained.{name}": str(value) for name, value in asdict(trained).items()}
    for name, value in tags.items():  # the last of `trained` makes it whole
        client.set_model_version_tag(task, version, name, value)
    settle(settings, task)


def settle(settings: Settings, task: str) -> None:
    """Give the aliases that the newest finished training was judged to have, if nobody did yet."""
    client = open_store(settings)
    newest = _newest_finished(client, task)
    if newest is None or "verdict.is_promoted" not in newest.tags or SETTLED in newest.tags:
        return
    version = str(newest.version)
    if newest.tags["verdict.is_promoted"] == "True":
        _enthrone(client, task, version)
    else:
        client.set_registered_model_alias(task, CHALLENGER, version)
    client.set_model_version_tag(task, version, SETTLED, "true")


def trained(settings: Settings, task: str) -> Trained | None:
    """What the newest finished training learnt from, whoever won; None where there is none, or no champion."""
    client = open_store(settings)
    newest = _newest_finished(client, task)
    return None if newest is None or champion_version(client, task) is None else _trained(newest.tags)


def outdate(settings: Settings, task: str, by: str) -> list[str]:
    """Mark all versions of a task there are: the next training takes the champion's place however good that is, and
    none of them can be made champion again. Returns them."""
    client = open_store(settings)
    versions = list(client.search_model_versions(f"name = '{task}'", max_results=10_000))
    for version in versions:
        if OUTDATED not in version.tags:
            client.set_model_version_tag(task, version.version, OUTDATED, by)
    return sorted((str(one.version) for one in versions), key=int)


def is_outdated(settings: Settings, task: str) -> bool:
    """Whether the newest finished training learnt from what has been erased since, or is past its retention."""
    newest = _newest_finished(open_store(settings), task)
    return newest is not None and OUTDATED in newest.tags


def discard_outdated(settings: Settings, task: str) -> None:
    """Remove what outdated versions have left in the store of artifacts, but for the one that serves.

    Of a home's own store only what is below its folder: a copied home names the folders of the one it was copied from.
    """
    client = open_store(settings)
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    serving = champion_version(client, task)
    for version in client.search_model_versions(f"name = '{task}'", max_results=10_000):
        if OUTDATED in version.tags and str(version.version) != serving:
            root = str(client.get_run(version.run_id).info.artifact_uri)
            if root.startswith("file:") and not root.startswith(settings.mlflow_dir.as_uri()):
                continue
            get_artifact_repository(root).delete_artifacts()


def throne(settings: Settings, task: str) -> Throne:
    """Who serves and who waits; nothing is changed."""
    client = open_store(settings)
    return Throne(_of_alias(client, task, CHAMPION), _of_alias(client, task, CHALLENGER), tuple(_history(client, task)))


def promote(settings: Settings, task: str, version: str | None, before: Callable[[], None] = lambda: None) -> str:
    """Make a version the champion, the challenger where none is named; returns it.

    Args:
        before: called when the change is certain, before it is made.

    Raises:
        InputError: there is no such version, its training never ended, or it is the champion already.
    """
    settle(settings, task)
    client = open_store(settings)
    if version is None:
        waiting = _of_alias(client, task, CHALLENGER)
        if waiting is None:
            raise InputError(f"{task!r} has no challenger: name a version, as `lakehouse models promote {task} 1`")
        version = waiting.version
    standing = _of_version(client, task, version)
    if standing is None or standing.trained is None:
        raise InputError(f"{task!r} has no model version {version!r} whose training has ended")
    if champion_version(client, task) == version:
        raise InputError(f"version {version} of {task!r} is the champion already")
    _require_current(task, standing)
    before()
    client.set_model_version_tag(task, version, BY_HAND, "true")
    _enthrone(client, task, version)
    return version


def rollback(settings: Settings, task: str, before: Callable[[], None] = lambda: None) -> str:
    """Make the champion before this one the champion again, and this one the challenger; returns the new champion.

    Args:
        before: called when the change is certain, before it is made.

    Raises:
        InputError: there was no champion before.
    """
    settle(settings, task)
    client = open_store(settings)
    now, history = champion_version(client, task), _history(client, task)
    earlier = history[:-1] if history[-1:] == [now] else history
    if now is None or not earlier:
        raise InputError(f"{task!r} had no champion before this one: there is nothing to go back to")
    standing = _of_version(client, task, earlier[-1])
    if standing is not None:
        _require_current(task, standing)
    before()
    client.set_registered_model_tag(task, HISTORY, json.dumps(earlier))
    client.set_registered_model_alias(task, CHAMPION, earlier[-1])
    client.set_registered_model_alias(task, CHALLENGER, now)
    return earlier[-1]


def _require_current(task: str, standing: Standing) -> None:
    if standing.is_outdated:
        raise InputError(
            f"version {standing.version} of {task!r} was trained on what has been erased since, or is past its "
            "retention: it does not serve again"
        )


def _enthrone(client: MlflowClient, task: str, version: str) -> None:
    history, now = _history(client, task), champion_version(client, task)
    if history[-1:] != [version]:
        served = _of_version(client, task, now) if now is not None and now not in (version, *history[-1:]) else None
        if served is not None and served.trained is not None:
            history.append(served.version)
        client.set_registered_model_tag(task, HISTORY, json.dumps([*history, version]))
    client.set_registered_model_alias(task, CHAMPION, version)
    waiting = _of_alias(client, task, CHALLENGER)
    if waiting is not None and waiting.version == version:
        client.delete_registered_model_alias(task, CHALLENGER)


def _newest_finished(client: MlflowClient, task: str) -> Any:
    """The version of the highest number whose training ended; None without one."""
    token = None
    while True:
        page = client.search_model_versions(
            f"name = '{task}'", max_results=50, order_by=["version_number DESC"], page_token=token
        )
        for version in page:
            if _trained(version.tags) is not None:
                return version
        token = page.token
        if not token:
            return None


def _trained(tags: Mapping[str, str]) -> Trained | None:
    try:
        return Trained(
            as_of=date.fromisoformat(tags["trained.as_of"]),
            rows=int(tags["trained.rows"]),
            code=tags["trained.code"],
            seed=int(tags["trained.seed"]),
        )
    except KeyError:
        return None


def _of_alias(client: MlflowClient, task: str, alias: str) -> Standing | None:
    from mlflow.exceptions import MlflowException

    try:
        return _standing(client.get_model_version_by_alias(task, alias))
    except MlflowException:
        return None


def _of_version(client: MlflowClient, task: str, version: str) -> Standing | None:
    from mlflow.exceptions import MlflowException

    try:
        return _standing(client.get_model_version(task, version))
    except MlflowException:
        return None


def _standing(found: Any) -> Standing:
    told = found.tags.get("verdict.is_promoted")
    why = ("promoted by hand; " if BY_HAND in found.tags else "") + found.tags.get("verdict.why", "")
    is_promoted = None if told is None else told == "True"
    return Standing(str(found.version), _trained(found.tags), is_promoted, why, OUTDATED in found.tags)


def _history(client: MlflowClient, task: str) -> list[str]:
    from mlflow.exceptions import MlflowException

    try:
        told = client.get_registered_model(task).tags.get(HISTORY, "[]")
    except MlflowException:
        return []
    return [str(version) for version in json.loads(told)]
