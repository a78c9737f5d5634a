"""Spark's executors as pods: what Spark is told, and what their pods are."""

from __future__ import annotations

import json
from pathlib import Path
from socket import gethostbyname, gethostname
from typing import Any

import pytest

from lakehouse.cluster.executors import executor_conf, pod_template, prepare, storage_conf, template_file
from lakehouse.errors import InputError
from lakehouse.settings import Settings, load_settings

IMAGE = "registry.example/lakehouse:1"


def on_kubernetes(tmp_path: Path, **given: Any) -> Settings:
    told = {
        "home": tmp_path / "home",
        "spark_master": "k8s://https://kubernetes.default.svc",
        "executor_image": IMAGE,
        "namespace": "shop",
        "scratch_dir": tmp_path / "scratch",
    }
    return load_settings(**{**told, **given})


def written_template(settings: Settings) -> dict[str, Any]:
    template_file(settings).parent.mkdir(parents=True)
    prepare(settings)
    found: dict[str, Any] = json.loads(template_file(settings).read_text())
    return found


def test_a_laptops_spark_is_told_nothing_of_executors(tmp_path: Path) -> None:
    assert executor_conf(load_settings(home=tmp_path)) == {}
    assert storage_conf(load_settings(home=tmp_path)) == {}


def test_spark_is_told_how_many_executors_of_which_size_and_image(tmp_path: Path) -> None:
    conf = executor_conf(on_kubernetes(tmp_path, executors=3, executor_memory="2g", executor_cores=4))
    assert conf["spark.executor.instances"] == "3"
    assert (conf["spark.executor.memory"], conf["spark.executor.cores"]) == ("2g", "4")
    assert conf["spark.kubernetes.executor.container.image"] == IMAGE
    assert conf["spark.kubernetes.namespace"] == "shop"


def test_executors_find_the_driver_by_its_service_at_fixed_ports(tmp_path: Path) -> None:
    conf = executor_conf(on_kubernetes(tmp_path, driver_service="lakehouse-driver.shop.svc"))
    assert conf["spark.driver.host"] == "lakehouse-driver.shop.svc"
    assert conf["spark.driver.bindAddress"] == "0.0.0.0"
    assert (conf["spark.driver.port"], conf["spark.driver.blockManager.port"]) == ("7078", "7079")
    assert conf["spark.kubernetes.driver.pod.name"] == gethostname()


def test_without_a_service_executors_find_the_driver_by_its_address(tmp_path: Path) -> None:
    assert executor_conf(on_kubernetes(tmp_path))["spark.driver.host"] == gethostbyname(gethostname())


def test_event_logs_are_in_the_storage_and_hdfs_gets_as_many_replicas_as_are_set(tmp_path: Path) -> None:
    settings = on_kubernetes(tmp_path, storage="hdfs://namenode:8020/lakehouse", hdfs_replication=3)
    assert executor_conf(settings)["spark.eventLog.dir"] == "hdfs://namenode:8020/lakehouse/spark-logs"
    assert storage_conf(settings)["spark.hadoop.dfs.replication"] == "3"
    assert "spark.eventLog.enabled" not in executor_conf(on_kubernetes(tmp_path))


def test_an_object_store_is_reached_at_the_endpoint_of_the_environment_and_no_secret_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://store:9000")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret")
    settings = on_kubernetes(tmp_path, storage="s3://bucket/lake")
    conf = {**storage_conf(settings), **executor_conf(settings)}
    assert conf["spark.hadoop.fs.s3a.endpoint"] == "http://store:9000"
    assert conf["spark.executor.extraClassPath"] == f"{settings.jars_dir}/*:{settings.jars_dir}/s3/*"
    assert not [key for key, value in conf.items() if "a-secret" in value]


def test_without_an_image_the_setting_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="executor_image"):
        executor_conf(on_kubernetes(tmp_path, executor_image=None))


def test_outside_a_pod_and_without_a_namespace_one_is_told_what_this_master_is_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="LAKEHOUSE_NAMESPACE"):
        executor_conf(on_kubernetes(tmp_path, namespace=None))


@pytest.mark.parametrize("memory", ["2", "2gb", "-1g", "1.5g"])
def test_a_memory_that_spark_would_not_understand_is_refused(tmp_path: Path, memory: str) -> None:
    with pytest.raises(InputError, match="executor_memory"):
        on_kubernetes(tmp_path, executor_memory=memory)


def test_a_pod_is_what_pod_security_restricted_wants(tmp_path: Path) -> None:
    spec = written_template(on_kubernetes(tmp_path))["spec"]
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]
    assert spec["volumes"] == [{"name": "tmp", "emptyDir": {}}]
    assert spec["automountServiceAccountToken"] is False


def test_pods_are_spread_over_nodes_by_their_driver_and_leave_a_lost_node_in_seconds() -> None:
    template = pod_template({}, "lakehouse-run-1")
    (spread,) = template["spec"]["topologySpreadConstraints"]
    assert spread["labelSelector"] == {"matchLabels": {"lakehouse/driver": "lakehouse-run-1"}}
    assert template["metadata"]["labels"] == {"lakehouse/driver": "lakehouse-run-1"}
    assert {one["key"]: one["tolerationSeconds"] for one in template["spec"]["tolerations"]} == {
        "node.kubernetes.io/unreachable": 5,
        "node.kubernetes.io/not-ready": 5,
    }


def test_what_an_operator_gives_stays_and_the_rest_is_added(tmp_path: Path) -> None:
    given = tmp_path / "pod.yaml"
    given.write_text(
        """
metadata: {labels: {team: data}}
spec:
  nodeSelector: {disk: fast}
  securityContext: {runAsUser: 20000}
  tolerations:
    - {key: gpu, operator: Exists}
    - {key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 300}
  containers: [{name: spark, imagePullPolicy: Always, volumeMounts: [{name: fast, mountPath: /tmp}]}]
  volumes: [{name: fast, emptyDir: {medium: Memory}}]
"""
    )
    template = written_template(on_kubernetes(tmp_path, executor_template=given))
    spec = template["spec"]
    assert template["metadata"]["labels"] == {"team": "data", "lakehouse/driver": gethostname()}
    assert spec["nodeSelector"] == {"disk": "fast"}
    assert (spec["securityContext"]["runAsUser"], spec["securityContext"]["runAsNonRoot"]) == (20000, True)
    assert [one.get("tolerationSeconds") for one in spec["tolerations"]] == [None, 5, 5]  # 300 would hold up a run
    assert [one["name"] for one in spec["containers"]] == ["spark"]
    assert spec["containers"][0]["imagePullPolicy"] == "Always"
    assert [one["name"] for one in spec["volumes"]] == ["fast"]


@pytest.mark.parametrize("text", ["- a list", "spec: [1]", "spec: {"])
def test_a_template_that_is_no_pod_is_named(tmp_path: Path, text: str) -> None:
    given = tmp_path / "pod.yaml"
    given.write_text(text)
    with pytest.raises(InputError, match=r"executor_template .*pod\.yaml"):
        written_template(on_kubernetes(tmp_path, executor_template=given))
