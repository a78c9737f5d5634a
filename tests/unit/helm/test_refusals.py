"""Wrong values, and what the person who wrote them is told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.helm.rendering import Refused, render

WRONG: list[tuple[dict[str, Any], list[str]]] = [
    ({"storge": {}}, ["storge"]),
    ({"storage": {"external": "/mnt/lake"}}, ["storage", "external", "/mnt/lake"]),
    ({"storage": {"hdfs": {"replication": 0}}}, ["replication", "minimum"]),
    ({"storage": {"hdfs": {"namenode": {"heap": "1Gi"}}}}, ["heap", "1Gi"]),
    ({"storage": {"hdfs": {"datanode": {"volume": {"size": "20GB"}}}}}, ["size", "20GB"]),
    ({"postgresql": {"external": "postgresql://u:p@db/x"}}, ["external"]),
    ({"metastore": {"database": {"url": "jdbc:mysql://root:secret@db/x"}}}, ["url"]),
    ({"mlflow": {"external": "https://me:secret@mlflow"}}, ["external"]),
    ({"run": {"engine": "duckdb"}}, ["engine", "spark", "sail"]),
    ({"run": {"schedule": "every night"}}, ["schedule"]),
    ({"run": {"suspend": "no"}}, ["suspend", "boolean"]),
    ({"run": {"driver": {"resources": {"requests": {"memory": "2 GB"}}}}}, ["memory", "2 GB"]),
    ({"run": {"executors": {"count": 0}}}, ["count"]),
    ({"images": {"pullPolicy": "Sometimes"}}, ["pullPolicy", "IfNotPresent"]),
    ({"images": {"lakehouse": {"tag": "a b"}}}, ["tag"]),
    ({"sql": {"service": {"type": "Ingress"}}}, ["type", "ClusterIP"]),
    ({"superset": {"enabled": "true"}}, ["enabled", "boolean"]),
    # Right each by itself, wrong together.
    ({"storage": {"hdfs": {"replication": 3}}}, ["replication is 3", "replicas is 2"]),
    ({"postgresql": {"external": "db.example.org"}}, ["postgresql.external wants secrets.existing"]),
    (
        {"storage": {"external": "s3a://lake/x", "s3": {"endpoint": "https://store.example.org"}}},
        ["storage.s3.endpoint wants storage.s3.secret"],
    ),
    ({"settings": {"storage": "s3://elsewhere/x"}}, ["settings.storage is the chart's own: set storage.external"]),
    ({"priorityClasses": {"core": "ours"}}, ["priorityClasses.core", "priorityClasses.create"]),
]


@pytest.mark.parametrize(("values", "told"), WRONG, ids=lambda given: str(given)[:60])
def test_wrong_values_are_refused_with_the_name_of_what_is_wrong(values: dict[str, Any], told: list[str]) -> None:
    with pytest.raises(Refused) as refused:
        render(values)
    message = str(refused.value)
    assert [word for word in told if word not in message] == [], message


def test_the_defaults_are_not_refused() -> None:
    assert len(render()) > 30
