"""Every pod, whichever part: Pod Security `restricted`, memory that is asked for, no secret in an environment."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.helm.rendering import NAMESPACE, RELEASE, containers, pod_specs, render

EVERYTHING = {"history": {"enabled": True}, "metrics": {"alerts": True, "dashboard": True}}
ALLOWED_VOLUMES = {"configMap", "emptyDir", "persistentVolumeClaim", "projected", "secret", "downwardAPI", "csi"}


def faults_of_restricted(spec: dict[str, Any]) -> list[str]:
    """What Pod Security `restricted` would refuse (kubernetes.io, Pod Security Standards)."""
    faults = [f"{field}" for field in ("hostNetwork", "hostPID", "hostIPC") if spec.get(field)]
    pod = spec.get("securityContext", {})
    if pod.get("runAsNonRoot") is not True:
        faults.append("runAsNonRoot")
    if pod.get("runAsUser") == 0:
        faults.append("runAsUser 0")
    if pod.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
        faults.append("seccompProfile")
    for container in containers(spec):
        own = container.get("securityContext", {})
        if own.get("allowPrivilegeEscalation") is not False:
            faults.append(f"{container['name']}: allowPrivilegeEscalation")
        if own.get("capabilities") != {"drop": ["ALL"]}:
            faults.append(f"{container['name']}: capabilities")
        if own.get("privileged") or own.get("runAsNonRoot") is False:
            faults.append(f"{container['name']}: privileged")
        faults += [f"{container['name']}: hostPort" for port in container.get("ports", []) if "hostPort" in port]
    for volume in spec.get("volumes", []):
        faults += [f"volume {kind}" for kind in set(volume) - {"name"} - ALLOWED_VOLUMES]
    return faults


def test_every_pod_passes_restricted() -> None:
    faults = {name: found for name, spec in pod_specs(EVERYTHING) if (found := faults_of_restricted(spec))}
    assert faults == {}


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"hostNetwork": True}, "hostNetwork"),
        ({"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}, "volume hostPath"),
        ({"securityContext": {}}, "runAsNonRoot"),
    ],
)
def test_the_judge_of_restricted_refuses(changed: dict[str, Any], fault: str) -> None:
    _, spec = next(pod_specs())
    assert fault in faults_of_restricted(spec | changed)


def test_every_container_has_a_read_only_root_and_a_place_to_write() -> None:
    for name, spec in pod_specs(EVERYTHING):
        for container in containers(spec):
            assert container["securityContext"]["readOnlyRootFilesystem"] is True, name
        assert {"name": "tmp"}.items() <= next(one for one in spec["volumes"] if one["name"] == "tmp").items(), name


def test_every_container_asks_for_memory_and_has_a_limit() -> None:
    for name, spec in pod_specs(EVERYTHING):
        if "lake-executor" in name:  # Spark adds them to the pod that it makes
            continue
        for container in containers(spec):
            resources = container["resources"]
            assert resources["requests"]["memory"], f"{name} {container['name']}"
            assert resources["limits"]["memory"], f"{name} {container['name']}"


def test_no_secret_is_in_an_environment_but_the_keys_of_the_object_store() -> None:
    for name, spec in pod_specs(EVERYTHING):
        for container in containers(spec):
            assert not [one for one in container.get("envFrom", []) if "secretRef" in one], name
            secret = [one["name"] for one in container.get("env", []) if "secretKeyRef" in one.get("valueFrom", {})]
            assert secret == [], f"{name}: {secret}"


def test_a_release_name_makes_no_variables_that_look_like_settings() -> None:
    assert [name for name, spec in pod_specs(EVERYTHING) if spec.get("enableServiceLinks") is not False] == []


def test_only_the_run_and_the_maker_of_secrets_have_a_token() -> None:
    with_token = {name for name, spec in pod_specs(EVERYTHING) if spec.get("automountServiceAccountToken") is not False}
    assert with_token == {"CronJob/lake-run", "Job/lake-secrets"}


def test_every_priority_class_is_made() -> None:
    objects = render(EVERYTHING)
    made = {one["metadata"]["name"] for one in objects if one["kind"] == "PriorityClass"}
    asked = {spec["priorityClassName"] for _, spec in pod_specs(EVERYTHING) if "priorityClassName" in spec}
    assert made == asked == {f"{NAMESPACE}-{RELEASE}-{kind}" for kind in ("core", "run", "extra")}


def test_every_image_has_a_tag_and_the_registry_before_it() -> None:
    for _, spec in pod_specs({"images": {"registry": "registry.example.org/team/"}}):
        for container in containers(spec):
            if "image" not in container:  # of an executor Spark says it
                continue
            image = container["image"]
            assert image.startswith("registry.example.org/team/lakehouse"), image
            assert image.rsplit(":", 1)[1] == "0.1.0", image


def test_every_volume_that_is_mounted_is_there() -> None:
    templates = {
        f"StatefulSet/{one['metadata']['name']}": {
            each["metadata"]["name"] for each in one["spec"]["volumeClaimTemplates"]
        }
        for one in render(EVERYTHING)
        if one["kind"] == "StatefulSet"
    }
    for name, spec in pod_specs(EVERYTHING):
        there = {volume["name"] for volume in spec.get("volumes", [])} | templates.get(name, set())
        for container in containers(spec):
            mounted = {mount["name"] for mount in container.get("volumeMounts", [])}
            assert mounted <= there, f"{name} {container['name']} mounts {mounted - there}"


def test_what_serves_has_all_three_probes() -> None:
    for one in render(EVERYTHING):
        if one["kind"] in ("Deployment", "StatefulSet"):
            for container in one["spec"]["template"]["spec"]["containers"]:
                probes = {"startupProbe", "readinessProbe", "livenessProbe"}
                assert probes <= set(container), one["metadata"]["name"]


def test_config_maps_and_accounts_that_pods_name_are_made() -> None:
    objects = render(EVERYTHING)
    made = {(one["kind"], one["metadata"]["name"]) for one in objects}
    for name, spec in pod_specs(EVERYTHING):
        maps = [one["configMap"]["name"] for one in spec.get("volumes", []) if "configMap" in one]
        for container in containers(spec):
            maps += [one["configMapRef"]["name"] for one in container.get("envFrom", [])]
        assert {("ConfigMap", one) for one in maps} <= made, name
        if "serviceAccountName" in spec:
            assert ("ServiceAccount", spec["serviceAccountName"]) in made, name
