from __future__ import annotations

import json
import re
from typing import Any

import yaml

from tests.cluster_programs import CHART
from tests.unit.helm.rendering import one, render

WANTED = {"metrics": {"alerts": True, "dashboard": True}}


def annotations(values: dict[str, Any], kind: str, name: str) -> dict[str, str]:
    found: dict[str, str] = one(kind, name, values)["spec"]["template"]["metadata"]["annotations"]
    return found


def test_prometheus_is_told_where_hdfs_has_its_metrics() -> None:
    for name, port in (("namenode", "9870"), ("datanode", "9864")):
        told = annotations({}, "StatefulSet", name)
        assert (told["prometheus.io/port"], told["prometheus.io/path"]) == (port, "/prom")
    silent = annotations({"metrics": {"annotations": False}}, "StatefulSet", "namenode")
    assert not [each for each in silent if each.startswith("prometheus.io")]


def test_alerts_are_of_this_release_and_each_says_what_to_do() -> None:
    groups = one("PrometheusRule", "alerts", WANTED)["spec"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) == 7
    for rule in rules:
        assert 'namespace="shop"' in rule["expr"], rule["alert"]
        assert "lake-" in rule["expr"], rule["alert"]
        assert rule["annotations"]["action"]
        assert rule["labels"]["severity"] in ("warning", "critical")


def test_nothing_of_the_operator_is_asked_for_by_default() -> None:
    assert not [each for each in render() if each["kind"] == "PrometheusRule"]


def test_the_dashboard_shows_metrics_that_alerts_and_hdfs_know() -> None:
    shown = json.dumps(json.loads(one("ConfigMap", "dashboard", WANTED)["data"]["lakehouse.json"]))
    alerts = (CHART / "files" / "prometheus" / "alerts.yaml").read_text()
    hdfs = set(re.findall(r"fs_namesystem_\w+", alerts))
    assert hdfs
    assert hdfs <= set(re.findall(r"fs_namesystem_\w+", shown))


def test_the_file_of_alerts_is_rules_as_it_is() -> None:
    assert set(yaml.safe_load((CHART / "files" / "prometheus" / "alerts.yaml").read_text())) == {"groups"}
