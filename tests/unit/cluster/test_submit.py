"""The Job of a run is the CronJob's template with the run's own arguments, and nothing else changed."""

from __future__ import annotations

from datetime import date, datetime, timezone
from typing import Any

import pytest
from kubernetes.client import ApiClient, V1CronJob

from lakehouse.cluster.connection import Cluster
from lakehouse.cluster.submit import Request, job_of, lasting_mounts
from tests.unit.cluster.models import model

NOW = datetime(2026, 11, 29, 23, 30, 5, tzinfo=timezone.utc)


@pytest.fixture
def cluster() -> Cluster:
    return Cluster(ApiClient(), "shop", "lakehouse", "https://cluster:6443")


def template() -> V1CronJob:
    pod = {
        "restartPolicy": "Never",
        "serviceAccountName": "lakehouse-driver",
        "containers": [
            {
                "name": "driver",
                "image": "lakehouse:0.2",
                "args": ["lakehouse", "run", "--json-progress"],
                "env": [{"name": "LAKEHOUSE_LEASE", "value": "lakehouse-run"}],
                "volumeMounts": [
                    {"name": "home", "mountPath": "/lakehouse"},
                    {"name": "scratch", "mountPath": "/tmp"},
                    {"name": "logins", "mountPath": "/etc/lakehouse/logins"},
                ],
            }
        ],
        "volumes": [
            {"name": "home", "persistentVolumeClaim": {"claimName": "lakehouse-home"}},
            {"name": "scratch", "emptyDir": {}},
            {"name": "logins", "secret": {"secretName": "logins"}},
        ],
    }
    labels = {"app.kubernetes.io/component": "run"}
    job = {"backoffLimit": 2, "template": {"metadata": {"labels": labels}, "spec": pod}}
    return model(
        "V1CronJob",
        {
            "metadata": {"name": "lakehouse-run", "uid": "u-1"},
            "spec": {"schedule": "0 3 * * *", "jobTemplate": {"metadata": {"labels": labels}, "spec": job}},
        },
    )


def plain(thing: Any) -> Any:
    return ApiClient().sanitize_for_serialization(thing)


def test_a_run_of_remembered_sources_differs_by_its_arguments_and_who_asked(cluster: Cluster) -> None:
    job = plain(job_of(cluster, template(), Request("ann@laptop", date(2025, 12, 31)), NOW, "ab12"))
    expected = plain(template())["spec"]["jobTemplate"]["spec"]
    driver = expected["template"]["spec"]["containers"][0]
    driver["args"] = ["lakehouse", "run", "--json-progress", "--as-of", "2025-12-31"]
    driver["env"].append({"name": "LAKEHOUSE_SUBMITTED_BY", "value": "ann@laptop"})
    assert job["spec"] == expected
    assert job["metadata"] == {
        "name": "lakehouse-run-1129-233005-ab12",
        "labels": {"app.kubernetes.io/component": "run"},
        "annotations": {
            "cronjob.kubernetes.io/instantiate": "manual",
            "lakehouse/submitted-by": "ann@laptop",
        },
        "ownerReferences": [
            {"apiVersion": "batch/v1", "kind": "CronJob", "name": "lakehouse-run", "uid": "u-1", "controller": True}
        ],
    }


def test_a_run_with_sources_waits_for_them(cluster: Cluster) -> None:
    job = plain(job_of(cluster, template(), Request("ann@laptop", sources=b"zip"), NOW, "ab12"))
    pod = job["spec"]["template"]["spec"]
    assert job["spec"]["suspend"] is True
    assert pod["containers"][0]["args"][-2:] == ["--uploaded", "/opt/lakehouse/upload/sources.zip"]
    mount = {"name": "upload", "mountPath": "/opt/lakehouse/upload", "readOnly": True}
    assert pod["containers"][0]["volumeMounts"][-1] == mount
    assert pod["volumes"][-1] == {"name": "upload", "configMap": {"name": "lakehouse-run-1129-233005-ab12-upload"}}


def test_what_the_release_tells_each_run_stays(cluster: Cluster) -> None:
    given = template()
    given.spec.job_template.spec.template.spec.containers[0].args = ["lakehouse", "run", "--source", "/lakehouse/s.yml"]
    job = job_of(cluster, given, Request("ann@laptop", date(2025, 12, 31)), NOW, "ab12")
    told = ["--source", "/lakehouse/s.yml", "--json-progress", "--as-of", "2025-12-31"]
    assert job.spec.template.spec.containers[0].args == ["lakehouse", "run", *told]


def test_the_template_is_left_as_it_is(cluster: Cluster) -> None:
    given = template()
    job_of(cluster, given, Request("ann@laptop", sources=b"zip"), NOW, "ab12")
    assert plain(given) == plain(template())


def test_a_long_release_leaves_room_for_the_names_of_pods() -> None:
    cluster = Cluster(ApiClient(), "shop", "r" * 53, "https://cluster:6443")
    name = job_of(cluster, template(), Request("ann@laptop"), NOW, "ab12").metadata.name
    assert len(name) + len("-abcde") <= 63


def test_what_is_lost_with_the_pod_is_no_place_for_files() -> None:
    assert lasting_mounts(template()) == ["/lakehouse", "/etc/lakehouse/logins"]
