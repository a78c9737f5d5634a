"""Spark's executors as pods: their configuration and their pod template (docs/decisions/0022-executors-as-pods.md).

The run's pod is the driver (client mode). Executors are pods of the same image, whose entrypoint has the role
`executor`; Spark asks for them itself. They read nothing of the run's pod: tables and what is handed over
(`storage.exchange_folder`) are in the storage, jars and code in the image.
"""

from __future__ import annotations

import atexit
import json
import os
from contextlib import suppress
from pathlib import Path
from socket import gethostbyname, gethostname
from typing import TYPE_CHECKING, Any

import pyarrow.fs as pafs
import yaml

from lakehouse.cluster.lost_executors import LostExecutors
from lakehouse.errors import InputError
from lakehouse.scratch import scratch_folder
from lakehouse.settings import Settings
from lakehouse.storage import file_system_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DRIVER_PORT, BLOCK_MANAGER_PORT = 7078, 7079
USER = 10001
"""User and group of the image."""
SECONDS_ON_A_LOST_NODE = 5
"""Kubernetes gives a pod five minutes on a node that does not answer, in which a run would wait for its executor."""
GRACE_SECONDS = 5
KEPT_EVENT_LOGS = 50
DRIVER_LABEL = "lakehouse/driver"
LOST_NODE = ("node.kubernetes.io/unreachable", "node.kubernetes.io/not-ready")
PATIENCE = {
    # An executor that is gone is told by its pod (lakehouse/cluster/lost_executors.py); this is for what hangs.
    "spark.network.timeout": "60s",
    "spark.network.timeoutInterval": "15s",
    "spark.executor.heartbeatInterval": "10s",
}


def are_pods(settings: Settings) -> bool:
    """Whether executors are pods of a Kubernetes cluster."""
    return settings.spark_master.startswith("k8s://")


def executor_conf(settings: Settings) -> dict[str, str]:
    """What Spark's configuration has beside the usual where executors are not in the driver's process; else nothing."""
    if not settings.has_executors_elsewhere:
        return {}
    conf = {
        "spark.executor.memory": settings.executor_memory,
        "spark.executor.cores": str(settings.executor_cores),
        "spark.executor.extraClassPath": class_path(settings),
        "spark.executor.extraJavaOptions": "-XX:+UseParallelGC -XX:-UsePerfData -XX:+ExitOnOutOfMemoryError -Xss16m",
        **_event_log_conf(settings),
    }
    return conf | (_pod_conf(settings) if are_pods(settings) else {})


def class_path(settings: Settings) -> str:
    """The jars of a session, and those that reach its storage."""
    beside = f":{settings.jars_dir}/s3/*" if _scheme(settings) == "s3" else ""
    return f"{settings.jars_dir}/*{beside}"


def storage_conf(settings: Settings) -> dict[str, str]:
    """How Spark reads and writes the storage.

    HDFS with as many replicas as there are nodes for, and with patience for a NameNode; an object store by s3a, at the
    endpoint and with the credentials of the environment (`AWS_…`), as delta-rs has them: no configuration has a secret.
    """
    scheme = _scheme(settings)
    if scheme == "hdfs":
        return {
            "spark.hadoop.dfs.replication": str(settings.hdfs_replication),
            "spark.hadoop.dfs.client.retry.policy.enabled": "true",
        }
    if scheme != "s3":
        return {}
    conf = {"spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem"}
    endpoint, region = os.environ.get("AWS_ENDPOINT_URL"), os.environ.get("AWS_REGION")
    if endpoint:  # a store of one's own, whose buckets are no host names
        conf["spark.hadoop.fs.s3a.endpoint"] = endpoint
        conf["spark.hadoop.fs.s3a.path.style.access"] = "true"
    if region:
        conf["spark.hadoop.fs.s3a.endpoint.region"] = region
    return conf


def _scheme(settings: Settings) -> str:
    return (settings.storage or "").partition("://")[0].replace("s3a", "s3")


def event_log_folder(settings: Settings) -> str | None:
    """The address of the folder of event logs; None where none are written."""
    if settings.event_logs is None and settings.storage is not None:
        return f"{settings.storage}/spark-logs"
    return settings.event_logs


def _event_log_conf(settings: Settings) -> dict[str, str]:
    folder = event_log_folder(settings)
    if folder is None:
        return {}
    return {
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": folder,
        "spark.eventLog.compress": "true",
    }


def _pod_conf(settings: Settings) -> dict[str, str]:
    if not settings.executor_image:
        raise InputError(
            f"setting 'executor_image' is missing: spark_master {settings.spark_master} starts executors as pods; set "
            "LAKEHOUSE_EXECUTOR_IMAGE to the image of this pod"
        )
    conf = {
        "spark.executor.instances": str(settings.executors),
        "spark.executor.memoryOverhead": settings.executor_memory_overhead,
        "spark.executor.maxNumFailures": "100",  # else a run ends with the fourth that is lost, whatever its length
        "spark.kubernetes.executor.container.image": settings.executor_image,
        "spark.kubernetes.executor.request.cores": settings.executor_cpu,
        "spark.kubernetes.executor.podTemplateFile": str(template_file(settings)),
        "spark.kubernetes.executor.podNamePrefix": gethostname()[:47].rstrip("-"),  # Spark's most
        "spark.kubernetes.executor.disableConfigMap": "true",  # it would hold this configuration, of which none is read
        "spark.kubernetes.driver.pod.name": gethostname(),  # so that executors go with it
        "spark.kubernetes.namespace": settings.namespace or pod_namespace(),
        "spark.kubernetes.allocation.batch.size": str(settings.executors),
        "spark.driver.bindAddress": "0.0.0.0",
        "spark.driver.port": str(DRIVER_PORT),
        "spark.driver.blockManager.port": str(BLOCK_MANAGER_PORT),
        # Not its name, which nobody else can resolve; a service would lead to another run's pod as well.
        "spark.driver.host": settings.driver_service or gethostbyname(gethostname()),
        **PATIENCE,
    }
    if settings.executor_service_account:
        conf["spark.kubernetes.authenticate.executor.serviceAccountName"] = settings.executor_service_account
    return conf


def template_file(settings: Settings) -> Path:
    """Where the pod template is written for Spark to read."""
    return scratch_folder(settings) / "executor-pod.json"


def pod_namespace() -> str:
    """The namespace of the pod that this process runs in.

    Raises:
        InputError: it runs in none.
    """
    try:
        return Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace").read_text(encoding="utf-8").strip()
    except OSError:
        raise InputError(
            "spark_master k8s://… is for a run in a pod of the cluster, and this is none (no service account is "
            "mounted): start it by `lakehouse submit`, or set LAKEHOUSE_NAMESPACE"
        ) from None


def pod_template(given: dict[str, Any], driver: str) -> dict[str, Any]:
    """An executor's pod: what is given, and where that is silent what Pod Security `restricted` wants of it.

    Spread over the nodes; gone from a node that does not answer in seconds; nothing of the cluster's API in it.

    Args:
        given: a Pod as Kubernetes has it, or an empty one; its first container is the executor's.
        driver: name of the driver's pod, by which its executors know each other.
    """
    labels = {**given.get("metadata", {}).get("labels", {}), DRIVER_LABEL: driver[:63].rstrip("-.")}
    spec: dict[str, Any] = dict(given.get("spec", {}))
    container, *others = spec.get("containers") or [{}]
    tolerated = [one for one in spec.get("tolerations", []) if one.get("key") not in LOST_NODE]
    soon = [
        {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": SECONDS_ON_A_LOST_NODE}
        for key in LOST_NODE
    ]
    spread = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "nodeTaintsPolicy": "Honor",
        "labelSelector": {"matchLabels": {DRIVER_LABEL: labels[DRIVER_LABEL]}},
    }
    security = {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    confined = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    container = {"name": "executor", **container}
    container["securityContext"] = {**confined, **container.get("securityContext", {})}
    if not any(mount["mountPath"] == "/tmp" for mount in container.get("volumeMounts", [])):
        container["volumeMounts"] = [*container.get("volumeMounts", []), {"name": "tmp", "mountPath": "/tmp"}]
        spec["volumes"] = [*spec.get("volumes", []), {"name": "tmp", "emptyDir": {}}]
    usual = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "topologySpreadConstraints": [spread],
    }
    spec = {**usual, **spec, "tolerations": [*tolerated, *soon], "containers": [container, *others]}
    spec["securityContext"] = {**security, **spec.get("securityContext", {})}
    metadata = {**given.get("metadata", {}), "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def prepare(settings: Settings) -> None:
    """Have there what the configuration names: the pod template, and the folder of event logs.

    Raises:
        InputError: the file of `executor_template` is no Pod.
    """
    if are_pods(settings):
        _write_template(settings)
    folder = event_log_folder(settings)
    if settings.has_executors_elsewhere and folder is not None and folder.startswith(f"{settings.storage}/"):
        files, path = file_system_of(settings, folder)
        files.create_dir(path, recursive=True)
        logs = files.get_file_info(pafs.FileSelector(path))
        for old in sorted(logs, key=lambda log: log.mtime_ns or 0)[:-KEPT_EVENT_LOGS]:
            if old.type == pafs.FileType.File:
                files.delete_file(old.path)


def _write_template(settings: Settings) -> None:
    given: Any = {}
    if settings.executor_template is not None:
        try:
            given = yaml.safe_load(settings.executor_template.read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as error:
            raise InputError(
                f"executor_template {settings.executor_template} cannot be read: {str(error).splitlines()[0]}"
            ) from None
        if not isinstance(given, dict) or not isinstance(given.get("spec", {}), dict):
            raise InputError(f"executor_template {settings.executor_template} is no Pod: `spec:` holds its settings")
    template_file(settings).write_text(json.dumps(pod_template(given, gethostname())), encoding="utf-8")


def watch_over(session: SparkSession, settings: Settings) -> None:
    """Have executors replaced whose node is lost, as long as the session runs, and the session ended with the process.

    A session that is not ended leaves its executors to find that out, and its event log `.inprogress`.
    """
    if settings.has_executors_elsewhere:
        atexit.register(_end, session)
    if are_pods(settings):
        LostExecutors(settings.namespace or pod_namespace(), str(session.sparkContext.applicationId)).start()


def _end(session: SparkSession) -> None:
    with suppress(Exception):  # Java may be gone
        session.stop()
