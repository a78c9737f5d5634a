"""An executor that should have ended and has not is removed by force, and no other is."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from lakehouse.cluster.lost_executors import LostExecutors, overdue

NOW = datetime(2026, 11, 29, 12, tzinfo=timezone.utc)


def pod(name: str, due_seconds_ago: float | None) -> Any:
    due = None if due_seconds_ago is None else NOW - timedelta(seconds=due_seconds_ago)
    return SimpleNamespace(metadata=SimpleNamespace(name=name, deletion_timestamp=due))


class Api:
    """Pods of a namespace, as far as they are asked for."""

    def __init__(self, *pods: Any, gone: str = "") -> None:
        self.pods, self.gone = pods, gone
        self.selectors: list[str] = []
        self.deleted: list[tuple[str, int]] = []

    def list_namespaced_pod(self, namespace: str, label_selector: str) -> Any:
        self.selectors.append(label_selector)
        return SimpleNamespace(items=list(self.pods))

    def delete_namespaced_pod(self, name: str, namespace: str, grace_period_seconds: int) -> None:
        from kubernetes.client.exceptions import ApiException

        if name == self.gone:
            raise ApiException(status=404)
        self.deleted.append((name, grace_period_seconds))


def test_overdue_is_who_is_past_its_time_of_deletion() -> None:
    pods = [pod("runs", None), pod("ends-in-its-grace", -3), pod("a-kubelet-is-busy", 2), pod("node-is-lost", 6)]
    assert overdue(pods, NOW) == ["node-is-lost"]


def test_the_executors_of_this_application_alone_are_looked_at_and_the_overdue_removed_without_grace() -> None:
    pytest.importorskip("kubernetes")
    api = Api(pod("runs", None), pod("lost", 60))
    watch = LostExecutors("shop", "spark-1", api)  # type: ignore[arg-type]
    watch.look(NOW)
    assert api.selectors == ["spark-role=executor,spark-app-selector=spark-1"]
    assert api.deleted == [("lost", 0)]
    assert watch.removed == ["lost"]


def test_one_that_is_gone_by_then_is_no_fault() -> None:
    pytest.importorskip("kubernetes")
    api = Api(pod("lost", 60), pod("also-lost", 60), gone="lost")
    LostExecutors("shop", "spark-1", api).look(NOW)  # type: ignore[arg-type]
    assert api.deleted == [("also-lost", 0)]
