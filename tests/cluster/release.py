"""As much of a release as `lakehouse submit` needs: the CronJob whose template it copies, with a scripted run in it."""

from __future__ import annotations

import copy
import os
import re
from pathlib import Path
from typing import Any

import yaml

from lakehouse.cluster.connection import Cluster

IMAGE = os.environ.get("LAKEHOUSE_TEST_IMAGE", "debian:bookworm-slim")
SCRIPT = Path(__file__).with_name("scripted_run.sh")
PAGE = Path(__file__).parents[2] / "docs" / "cluster.md"
MEMORY = {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "32Mi"}}


def install(cluster: Cluster) -> None:
    """Make the CronJob `R-run`, its home and its script, and a person who may do what the page says and no more."""
    core, namespace = cluster.core, cluster.namespace
    core.create_namespaced_config_map(
        namespace, {"metadata": {"name": "script"}, "data": {"run.sh": SCRIPT.read_text(encoding="utf-8")}}
    )
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Mi"}}}
    core.create_namespaced_persistent_volume_claim(namespace, {"metadata": {"name": "home"}, "spec": claim})
    cluster.batch.create_namespaced_cron_job(namespace, cron_job(cluster.release))
    core.create_namespaced_service_account(namespace, {"metadata": {"name": "submitter"}})
    _authorise(cluster, "submitter", rules_of_the_page())


def set_case(cluster: Cluster, case: str, image: str = IMAGE, resources: dict[str, Any] = MEMORY) -> None:
    """What the next run does, of which image, and what it asks for."""
    wanted = cron_job(cluster.release)
    driver = wanted["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    driver |= {"image": image, "resources": resources, "env": [{"name": "RUN_CASE", "value": case}]}
    cluster.batch.patch_namespaced_cron_job(f"{cluster.release}-run", cluster.namespace, wanted)


def cron_job(release: str) -> dict[str, Any]:
    """As the chart has it, but for the command."""
    labels = {"app.kubernetes.io/instance": release, "app.kubernetes.io/component": "run"}
    driver = {
        "name": "driver",
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/bin/sh", "/script/run.sh"],
        "args": ["lakehouse", "run", "--json-progress"],
        "resources": MEMORY,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "home", "mountPath": "/lakehouse"}, {"name": "script", "mountPath": "/script"}],
    }
    pod = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 1,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "fsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [driver],
        "volumes": [
            {"name": "home", "persistentVolumeClaim": {"claimName": "home"}},
            {"name": "script", "configMap": {"name": "script"}},
        ],
    }
    told = {"containerName": "driver", "operator": "In", "values": [1, 2, 3]}
    job = {
        "backoffLimit": 1,
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": {"rules": [{"action": "FailJob", "onExitCodes": told}]},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    return {
        "metadata": {"name": f"{release}-run"},
        "spec": {
            "schedule": "0 3 * * *",
            "suspend": True,
            "failedJobsHistoryLimit": 20,
            "successfulJobsHistoryLimit": 20,
            "jobTemplate": {"metadata": {"labels": labels}, "spec": job},
        },
    }


def rules_of_the_page() -> list[dict[str, Any]]:
    """The rights that docs/cluster.md says are enough."""
    block = re.search(r"```yaml\n(rules:.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    rules: list[dict[str, Any]] = yaml.safe_load(block.group(1))["rules"]
    return copy.deepcopy(rules)


def kubeconfig(cluster: Cluster, account: str, file: Path) -> Path:
    """A kubeconfig of a service account of the namespace."""
    wanted = {"spec": {"audiences": [], "expirationSeconds": 3600}}
    token = cluster.core.create_namespaced_service_account_token(account, cluster.namespace, wanted).status.token
    asked = cluster.api.configuration
    authority: dict[str, Any] = {"server": asked.host, "insecure-skip-tls-verify": not asked.verify_ssl}
    if asked.ssl_ca_cert:
        copied = file.with_suffix(".crt")  # the client's own is of this process only
        copied.write_bytes(Path(asked.ssl_ca_cert).read_bytes())
        authority["certificate-authority"] = str(copied)
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": authority}],
        "users": [{"name": account, "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": account, "namespace": cluster.namespace}}],
        "current-context": "test",
    }
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return file


def _authorise(cluster: Cluster, account: str, rules: list[dict[str, Any]]) -> None:
    from kubernetes.client import RbacAuthorizationV1Api

    roles = RbacAuthorizationV1Api(cluster.api)
    roles.create_namespaced_role(cluster.namespace, {"metadata": {"name": account}, "rules": rules})
    roles.create_namespaced_role_binding(
        cluster.namespace,
        {
            "metadata": {"name": account},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": account},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": cluster.namespace}],
        },
    )
