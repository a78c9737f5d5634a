"""Who may talk to whom; the clusters that tests run on may enforce nothing, so the objects are what is tested."""

from __future__ import annotations

from typing import Any

from tests.unit.helm.rendering import names, one, pod_specs, render

HISTORY = {"history": {"enabled": True}}


def admitted(part: str) -> dict[int | None, set[str]]:
    """By port (None: any), the parts that are let in."""
    found: dict[int | None, set[str]] = {}
    for rule in one("NetworkPolicy", part)["spec"]["ingress"]:
        parts = {
            value
            for peer in rule["from"]
            for expression in peer.get("podSelector", {}).get("matchExpressions", [])
            for value in expression["values"]
        }
        for port in [each["port"] for each in rule.get("ports", [])] or [None]:
            found.setdefault(port, set()).update(parts)
    return found


def test_nobody_is_let_in_who_is_not_named() -> None:
    policy = one("NetworkPolicy", "default")["spec"]
    assert policy["policyTypes"] == ["Ingress"]
    assert "ingress" not in policy
    assert policy["podSelector"]["matchLabels"] == {
        "app.kubernetes.io/name": "lakehouse",
        "app.kubernetes.io/instance": "lake",
    }


def test_databases_and_catalogue_are_reached_by_those_that_need_them() -> None:
    assert admitted("postgresql") == {5432: {"metastore", "mlflow", "superset"}}
    assert admitted("metastore") == {9083: {"run", "sql-engineer", "test"}}


def test_superset_and_mlflow_do_not_reach_the_storage() -> None:
    for part, port in (("namenode", 8020), ("datanode", 9866)):
        assert not {"superset", "mlflow", "dashboards"} & admitted(part)[port]


def test_clients_and_monitoring_can_be_named() -> None:
    peers = [{"namespaceSelector": {"matchLabels": {"team": "bi"}}}]
    values: dict[str, Any] = {"networkPolicies": {"clients": peers, "monitoring": peers}}
    (rule,) = one("NetworkPolicy", "sql-analyst", values)["spec"]["ingress"]
    assert rule["from"][1:] == peers
    metrics = one("NetworkPolicy", "namenode", values)["spec"]["ingress"][1]
    assert (metrics["from"], metrics["ports"]) == (peers, [{"protocol": "TCP", "port": 9870}])


def test_every_port_that_is_open_is_in_a_policy() -> None:
    ports = {
        one["metadata"]["name"].removeprefix("lake-"): {
            port["port"] for rule in one["spec"].get("ingress", []) for port in rule.get("ports", [])
        }
        for one in render(HISTORY)
        if one["kind"] == "NetworkPolicy"
    }
    for name, spec in pod_specs(HISTORY):
        part = name.split("/lake-")[1]
        for container in spec["containers"]:
            opened = {port["containerPort"] for port in container.get("ports", [])}
            assert opened <= ports.get(part, set()), f"{name} opens {opened}"


def test_they_can_be_left_to_the_cluster() -> None:
    assert names("NetworkPolicy", {"networkPolicies": {"enabled": False}}) == set()
