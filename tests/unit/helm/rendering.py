"""What the chart makes of values, as objects."""

from __future__ import annotations

import functools
import json
import subprocess
import tempfile
from collections.abc import Iterator
from typing import Any

import yaml

from tests.cluster_programs import CHART, helm_command

RELEASE, NAMESPACE = "lake", "shop"


class Refused(Exception):
    """Helm does not render these values; says what helm said."""


def render(values: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """Every object of the chart, hooks and tests among them.

    Raises:
        Refused: the schema or a template refuses the values.
    """
    found = _rendered(json.dumps(values or {}, sort_keys=True))
    if isinstance(found, str):
        raise Refused(found)
    return list(found)


@functools.cache
def _rendered(values: str) -> tuple[dict[str, Any], ...] | str:
    """The objects, or what helm said: each set of values is rendered once."""
    called = helm_command()
    assert called, "the tests of this folder are skipped without helm"
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(values)
        file.flush()
        done = subprocess.run(
            [*called, "template", RELEASE, str(CHART), "--namespace", NAMESPACE, "--values", file.name],
            capture_output=True,
            text=True,
        )
    if done.returncode:
        return done.stderr
    return tuple(one for one in yaml.safe_load_all(done.stdout) if one)


def one(kind: str, name: str, values: dict[str, Any] | None = None) -> dict[str, Any]:
    """The object of this kind and name (without the release's)."""
    found = [
        each for each in render(values) if each["kind"] == kind and each["metadata"]["name"] == f"{RELEASE}-{name}"
    ]
    assert len(found) == 1, f"{len(found)} objects {kind} {RELEASE}-{name}"
    return found[0]


def names(kind: str, values: dict[str, Any] | None = None) -> set[str]:
    """Names of the objects of a kind, without the release's."""
    prefix = f"{RELEASE}-"
    return {each["metadata"]["name"].removeprefix(prefix) for each in render(values) if each["kind"] == kind}


def pod_specs(values: dict[str, Any] | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
    """`(kind/name, pod spec)` of every pod that may come to be, Spark's executors among them."""
    for each in render(values):
        name = f"{each['kind']}/{each['metadata']['name']}"
        match each["kind"]:
            case "Pod":
                yield name, each["spec"]
            case "CronJob":
                yield name, each["spec"]["jobTemplate"]["spec"]["template"]["spec"]
            case "Job" | "Deployment" | "StatefulSet":
                yield name, each["spec"]["template"]["spec"]
            case "ConfigMap" if "pod.yaml" in each["data"]:
                yield name, yaml.safe_load(each["data"]["pod.yaml"])["spec"]


def containers(spec: dict[str, Any]) -> list[dict[str, Any]]:
    return [*spec.get("initContainers", []), *spec["containers"]]


def pod_of(kind: str, name: str, values: dict[str, Any] | None = None) -> dict[str, Any]:
    """The pod spec of a Deployment or StatefulSet."""
    spec: dict[str, Any] = one(kind, name, values)["spec"]["template"]["spec"]
    return spec


def xml(text: str) -> dict[str, str]:
    """Properties of a Hadoop configuration."""
    from xml.etree import ElementTree

    found = ElementTree.fromstring(text).iter("property")
    return {each.findtext("name", ""): each.findtext("value", "") for each in found}
