"""A run that is started on a cluster: a Job from the template of the release's CronJob, and its sources beside it."""

from __future__ import annotations

import base64
import copy
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING, Any

from lakehouse.cluster.connection import SECONDS, Cluster, explained
from lakehouse.cluster.pods import driver_of
from lakehouse.errors import InputError

if TYPE_CHECKING:
    from kubernetes.client import V1CronJob, V1Job

UPLOAD, ARCHIVE, UPLOAD_FOLDER = "upload", "sources.zip", "/opt/lakehouse/upload"
USER = "lakehouse/submitted-by"
COMMAND = ["lakehouse", "run", "--json-progress"]
_PASSING = ("empty_dir", "downward_api", "projected")


@dataclass(frozen=True)
class Request:
    """What is to be run; `sources` is a packed zip, or None for those that the home remembers."""

    user: str
    as_of: date | None = None
    sources: bytes | None = None


def template_of(cluster: Cluster) -> V1CronJob:
    """The CronJob whose template is a run of the release.

    Raises:
        InputError: there is no such release in the namespace, or the person may not see it.
    """
    from kubernetes.client.exceptions import ApiException

    name = cron_job_name(cluster)
    with explained(cluster, f"read the CronJob {name}"):
        try:
            return cluster.batch.read_namespaced_cron_job(name, cluster.namespace, _request_timeout=SECONDS)
        except ApiException as error:
            if error.status != 404:
                raise
    raise InputError(
        f"there is no release {cluster.release!r} in namespace {cluster.namespace!r} of {cluster.server} (no CronJob "
        f"{name}); name yours with --release and --namespace (`helm list --all-namespaces` shows them)"
    )


def cron_job_name(cluster: Cluster) -> str:
    """What the chart calls it."""
    return f"{cluster.release}-run"


def lasting_mounts(template: V1CronJob) -> list[str]:
    """Where the run's container has volumes that outlive its pod."""
    pod = template.spec.job_template.spec.template.spec
    passing = {one.name for one in pod.volumes or [] if any(getattr(one, kind) is not None for kind in _PASSING)}
    return [one.mount_path for one in driver_of(pod).volume_mounts or [] if one.name not in passing]


def submit(cluster: Cluster, template: V1CronJob, request: Request) -> str:
    """Start a run; the name of its Job, by which everything else finds it.

    Raises:
        InputError: the person may not, or the cluster refuses the Job or the upload.
    """
    job = job_of(cluster, template, request, datetime.now(timezone.utc), secrets.token_hex(2))
    with explained(cluster, "start a run"):
        made = cluster.batch.create_namespaced_job(cluster.namespace, job, _request_timeout=SECONDS)
    name = str(made.metadata.name)
    if request.sources is not None:
        try:
            _upload(cluster, made, request.sources)
        except BaseException:
            with suppress(Exception):
                cluster.batch.delete_namespaced_job(name, cluster.namespace, propagation_policy="Background")
            raise
    return name


def _upload(cluster: Cluster, job: V1Job, sources: bytes) -> None:
    """Give the Job, which waits for it, its sources: they go when it goes."""
    from kubernetes.client import V1ConfigMap, V1ObjectMeta, V1OwnerReference

    owner = V1OwnerReference(api_version="batch/v1", kind="Job", name=job.metadata.name, uid=job.metadata.uid)
    content = V1ConfigMap(
        metadata=V1ObjectMeta(name=_upload_name(job), owner_references=[owner], labels=job.metadata.labels),
        binary_data={ARCHIVE: base64.b64encode(sources).decode()},
        immutable=True,
    )
    with explained(cluster, "upload the sources"):
        cluster.core.create_namespaced_config_map(cluster.namespace, content, _request_timeout=SECONDS)
        cluster.batch.patch_namespaced_job(
            job.metadata.name, cluster.namespace, {"spec": {"suspend": False}}, _request_timeout=SECONDS
        )


def job_of(cluster: Cluster, template: V1CronJob, request: Request, now: datetime, token: str) -> V1Job:
    """The Job of a request, as `kubectl create job --from=cronjob/…` makes it, with the command's arguments after
    those that the release gives it.

    One with sources is suspended until they are there.
    """
    from kubernetes.client import V1Job, V1ObjectMeta, V1OwnerReference

    spec = copy.deepcopy(template.spec.job_template.spec)
    told = template.spec.job_template.metadata or V1ObjectMeta()
    name = f"{cluster.release[:30]}-run-{now:%m%d-%H%M%S}-{token}"
    owner = V1OwnerReference(
        api_version="batch/v1", kind="CronJob", name=template.metadata.name, uid=template.metadata.uid, controller=True
    )
    annotations = {**(told.annotations or {}), "cronjob.kubernetes.io/instantiate": "manual", USER: request.user}
    job = V1Job(
        metadata=V1ObjectMeta(name=name, labels=told.labels, annotations=annotations, owner_references=[owner]),
        spec=spec,
    )
    driver = driver_of(spec.template.spec)
    given = list(driver.args or [])
    driver.args = given if given[:2] == COMMAND[:2] else list(COMMAND)
    driver.args += [option for option in COMMAND[2:] if option not in driver.args]
    if request.as_of is not None:
        driver.args += ["--as-of", request.as_of.isoformat()]
    _set_variable(driver, "LAKEHOUSE_SUBMITTED_BY", request.user)
    if request.sources is not None:
        spec.suspend = True
        driver.args += ["--uploaded", f"{UPLOAD_FOLDER}/{ARCHIVE}"]
        _mount_upload(spec.template.spec, driver, _upload_name(job))
    return job


def _mount_upload(pod: Any, driver: Any, config_map: str) -> None:
    from kubernetes.client import V1ConfigMapVolumeSource, V1Volume, V1VolumeMount

    pod.volumes = [*(pod.volumes or []), V1Volume(name=UPLOAD, config_map=V1ConfigMapVolumeSource(name=config_map))]
    mount = V1VolumeMount(name=UPLOAD, mount_path=UPLOAD_FOLDER, read_only=True)
    driver.volume_mounts = [*(driver.volume_mounts or []), mount]


def _set_variable(container: Any, name: str, value: str) -> None:
    from kubernetes.client import V1EnvVar

    others = [one for one in container.env or [] if one.name != name]
    container.env = [*others, V1EnvVar(name=name, value=value)]


def _upload_name(job: V1Job) -> str:
    return f"{job.metadata.name}-upload"
