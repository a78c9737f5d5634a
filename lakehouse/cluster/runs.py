"""The runs of a release on a cluster: which there are, how each stands, and the end of one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from lakehouse.cluster.connection import SECONDS, Cluster, Unreachable, explained
from lakehouse.cluster.kept_lease import KeptLease, all_ended
from lakehouse.cluster.lease import COMMAND, Conflict
from lakehouse.cluster.pods import driver_of, end_of, state_of
from lakehouse.cluster.submit import MANUAL, USER, cron_job_name
from lakehouse.cluster.watch import pods_of, require_job
from lakehouse.errors import InputError, LakehouseError
from lakehouse.progress_lines import MARK, event_of

if TYPE_CHECKING:
    from kubernetes.client import V1Job, V1Pod

SECONDS_TO_END = 60
_LINES_TO_FIND_A_STEP = 200


@dataclass(frozen=True)
class RunState:
    """A run: `state` is waiting, running, done or failed; `detail` the step it is in, or why."""

    run: str
    state: str
    detail: str
    submitted_by: str
    created_at: datetime
    ended_at: datetime | None
    pod: str | None


def jobs_of(cluster: Cluster) -> list[V1Job]:
    """The Jobs of the release's runs, newest first: submitted ones and those of its schedule.

    Raises:
        InputError: the person may not list them.
    """
    name = cron_job_name(cluster)
    with explained(cluster, "list the runs"):
        found = cluster.batch.list_namespaced_job(cluster.namespace, _request_timeout=SECONDS).items
    ours = [job for job in found if any(o.kind == "CronJob" and o.name == name for o in _owners(job))]
    return sorted(ours, key=lambda job: (job.metadata.creation_timestamp, job.metadata.name), reverse=True)


def newest(cluster: Cluster) -> str:
    """The name of the newest run.

    Raises:
        InputError: there is none.
    """
    jobs = jobs_of(cluster)
    if not jobs:
        where = f"release {cluster.release!r} in namespace {cluster.namespace!r}"
        raise InputError(f"{where} has no run yet: `lakehouse submit` starts one")
    return str(jobs[0].metadata.name)


def refuse_beside_another(cluster: Cluster) -> None:
    """Spare a person the second run's pod, which the Lease would end.

    Raises:
        LakehouseError: a run is going on, or waits for a node; says whose and since when.
    """
    for job in jobs_of(cluster):
        if end_of(job) is None and not job.spec.suspend:
            since = job.metadata.creation_timestamp.astimezone(timezone.utc).isoformat(timespec="seconds")
            name = job.metadata.name
            raise LakehouseError(
                f"another run works on this lakehouse: {name} of {_user(job)}, since {since}; `lakehouse logs --follow "
                f"{name}` shows it, `lakehouse cancel {name}` ends it"
            )


def state_of_run(cluster: Cluster, job: V1Job) -> RunState:
    """How a run stands."""
    name = str(job.metadata.name)
    pods = pods_of(cluster, name)
    pod = pods[-1] if pods else None
    state, detail = _state(cluster, job, pod)
    return RunState(
        run=name,
        state=state,
        detail=detail,
        submitted_by=_user(job),
        created_at=job.metadata.creation_timestamp,
        ended_at=job.status.completion_time or _failed_at(job),
        pod=pod.metadata.name if pod is not None else None,
    )


def lease_of(cluster: Cluster) -> dict[str, Any] | None:
    """Who holds the release's Lease; None where nobody does, or the person may not see it."""
    try:
        with explained(cluster, "read the lease"):
            lease = KeptLease(cluster, cron_job_name(cluster)).read()
    except InputError:
        return None
    if lease is None or not lease.spec.holder_identity:
        return None
    return {
        "pod": str(lease.spec.holder_identity).partition("/")[0],
        "since": lease.spec.acquire_time,
        "renewed_at": lease.spec.renew_time,
        "command": (lease.metadata.annotations or {}).get(COMMAND, "run"),
    }


def cancel(cluster: Cluster, run: str) -> str:
    """End a run and wait until its pod is gone; a sentence that says how it went.

    Raises:
        InputError: there is no such run, or the person may not.
    """
    from kubernetes import watch
    from urllib3.exceptions import HTTPError

    job = require_job(cluster, run)
    with explained(cluster, f"cancel the run {run}"):
        listed = cluster.core.list_namespaced_pod(
            cluster.namespace, label_selector=f"job-name={run}", _request_timeout=SECONDS
        )
        cluster.batch.delete_namespaced_job(
            run, cluster.namespace, propagation_policy="Background", _request_timeout=SECONDS
        )
    if end_of(job) is not None:
        return f"{run} had ended before; its Job, log and uploads are removed"
    left = {str(pod.metadata.name) for pod in listed.items}
    ended: set[str] = set()
    try:
        events = watch.Watch().stream(
            cluster.core.list_namespaced_pod,
            cluster.namespace,
            label_selector=f"job-name={run}",
            resource_version=listed.metadata.resource_version,
            timeout_seconds=SECONDS_TO_END,
        )
        for event in events if left else ():
            name = str(event["object"].metadata.name)
            if all_ended(event["object"]):
                ended.add(name)
            if event["type"] == "DELETED":
                left.discard(name)
            if not left:
                break
    except (HTTPError, OSError) as error:
        raise Unreachable(f"{run} is being cancelled; the cluster stopped answering meanwhile ({error})") from None
    if left:
        return (
            f"{run} is cancelled, but its pod {', '.join(left)} is not gone after {SECONDS_TO_END} s: its node may not "
            "answer; a new run begins as soon as the lease of this one has expired"
        )
    _free_lease(cluster, ended)
    return f"{run} is cancelled; what was published stays as it was, the next run continues"


def _free_lease(cluster: Cluster, ended: set[str]) -> None:
    """Give back what a pod held whose end the kubelet vouched for, so that the next run need not wait."""
    leases = KeptLease(cluster, cron_job_name(cluster))
    try:
        with explained(cluster, "free the lease"):
            lease = leases.read()
            if lease is not None and str(lease.spec.holder_identity or "").partition("/")[0] in ended:
                lease.spec.holder_identity = None
                leases.replace(lease)
    except (LakehouseError, Conflict):
        return  # it expires by itself


def _state(cluster: Cluster, job: V1Job, pod: V1Pod | None) -> tuple[str, str]:
    ended = end_of(job)
    if ended is not None and ended[0]:
        return "done", ""
    if ended is not None:
        told = _last_event(cluster, pod, "failed") if pod is not None else None
        why = state_of(pod).sentence if pod is not None else ""
        return "failed", str(told["sentence"]) if told else why or ended[2]
    if pod is None:
        return "waiting", "for its sources" if job.spec.suspend else "for its pod"
    stands = state_of(pod)
    if stands.phase == "running":
        told = _last_event(cluster, pod, "started")
        return "running", str(told["title"]) if told else ""
    return "waiting", stands.sentence


def _last_event(cluster: Cluster, pod: V1Pod, kind: str) -> dict[str, Any] | None:
    try:
        with explained(cluster, "read the log of the run"):
            text = cluster.core.read_namespaced_pod_log(
                pod.metadata.name,
                cluster.namespace,
                container=driver_of(pod.spec).name,
                tail_lines=_LINES_TO_FIND_A_STEP,
                _request_timeout=SECONDS,
            )
    except LakehouseError:
        return None  # not begun, or the node does not answer
    events = [event_of(line) for line in str(text).splitlines()]
    return next((event for event in reversed(events) if event is not None and event[MARK] == kind), None)


def _failed_at(job: V1Job) -> datetime | None:
    conditions = job.status.conditions or []
    return next((c.last_transition_time for c in conditions if c.type == "Failed" and c.status == "True"), None)


def _owners(job: V1Job) -> list[Any]:
    return list(job.metadata.owner_references or [])


def _user(job: V1Job) -> str:
    notes = job.metadata.annotations or {}
    return str(notes.get(USER) or ("kubectl" if notes.get(MANUAL) == "manual" else "its schedule"))
