from __future__ import annotations

from typing import Any

import yaml

from lakehouse.cluster.secrets import MASTER_KEY
from lakehouse.settings import Settings
from tests.unit.helm.rendering import names, one


def job(values: dict[str, Any] | None = None) -> dict[str, Any]:
    spec: dict[str, Any] = one("CronJob", "run", values)["spec"]["jobTemplate"]["spec"]
    return spec


def test_nothing_starts_by_itself_until_it_is_wanted() -> None:
    assert one("CronJob", "run")["spec"]["suspend"] is True
    assert one("CronJob", "run", {"run": {"suspend": False}})["spec"]["suspend"] is False


def test_a_run_that_said_what_is_wrong_is_not_tried_again_and_a_killed_one_is() -> None:
    fail, ignore = job()["podFailurePolicy"]["rules"]
    assert fail == {
        "action": "FailJob",
        "onExitCodes": {"containerName": "driver", "operator": "In", "values": [1, 2, 3]},
    }
    assert ignore["onPodConditions"] == [{"type": "DisruptionTarget", "status": "True"}]
    assert job()["backoffLimit"] == 2
    assert job()["podReplacementPolicy"] == "Failed"


def test_arguments_follow_the_command() -> None:
    (container,) = job({"run": {"arguments": ["--source", "/lakehouse/shop.yml"]}})["template"]["spec"]["containers"]
    assert container["args"] == ["lakehouse", "run", "--json-progress", "--source", "/lakehouse/shop.yml"]


def test_settings_of_the_chart_are_settings_of_the_code() -> None:
    settings = one("ConfigMap", "settings", {"settings": {"refresh_days": 1}})["data"]
    ours = {name.removeprefix("LAKEHOUSE_").lower(): value for name, value in settings.items() if "LAKEHOUSE_" in name}
    assert ours["refresh_days"] == "1"
    assert set(ours) <= set(Settings.model_fields)
    Settings(**ours)  # each value is of the right kind


def test_the_vault_is_opened_by_a_key_that_is_mounted_and_not_in_the_home() -> None:
    pod = job()["template"]["spec"]
    env = {each["name"]: each["value"] for each in pod["containers"][0]["env"]}
    place = env["LAKEHOUSE_MASTER_KEY_FROM"].removeprefix("file:")
    (mount,) = (each for each in pod["containers"][0]["volumeMounts"] if place.startswith(each["mountPath"] + "/"))
    (volume,) = (each for each in pod["volumes"] if each["name"] == mount["name"])
    assert [item["key"] for item in volume["secret"]["items"]] == [place.rpartition("/")[2]] == [MASTER_KEY]


def test_the_driver_has_rights_on_pods_services_config_maps_its_lease_and_nothing_else() -> None:
    rules = one("Role", "driver")["rules"]
    assert [(rule["apiGroups"], rule["resources"], rule.get("resourceNames")) for rule in rules] == [
        ([""], ["pods", "configmaps", "services"], None),
        (["coordination.k8s.io"], ["leases"], ["lake-run"]),
    ]
    assert "*" not in {verb for rule in rules for verb in rule["verbs"]}
    subjects = one("RoleBinding", "driver")["subjects"]
    assert subjects == [{"kind": "ServiceAccount", "name": "lake-driver", "namespace": "shop"}]


def test_no_account_has_rights_outside_the_namespace() -> None:
    assert names("ClusterRole") == names("ClusterRoleBinding") == set()


def test_executors_find_the_driver_by_its_pods_address_which_no_second_run_shares() -> None:
    assert "driver" not in names("Service")
    assert "LAKEHOUSE_DRIVER_SERVICE" not in one("ConfigMap", "settings")["data"]


def test_executors_have_no_token_and_labels_that_policies_know() -> None:
    pod = yaml.safe_load(one("ConfigMap", "executor")["data"]["pod.yaml"])
    assert pod["metadata"]["labels"]["app.kubernetes.io/component"] == "executor"
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert one("ServiceAccount", "executor")["automountServiceAccountToken"] is False


def test_the_home_outlives_the_release() -> None:
    assert one("PersistentVolumeClaim", "home")["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    assert "home" not in names("PersistentVolumeClaim", {"run": {"home": {"existingClaim": "mine"}}})


def test_helm_writes_no_holder_into_the_lease() -> None:
    assert "spec" not in one("Lease", "run")


def test_a_drain_waits_for_a_run() -> None:
    budget = one("PodDisruptionBudget", "run")["spec"]
    assert budget["minAvailable"] == 1
    assert budget["selector"]["matchLabels"].items() <= job()["template"]["metadata"]["labels"].items()


def test_a_person_who_submits_reads_no_secret() -> None:
    resources = {each for rule in one("Role", "submitter")["rules"] for each in rule["resources"]}
    assert resources == {"cronjobs", "jobs", "pods", "pods/log", "configmaps", "events", "leases"}
