"""What has become of a run's pod, in a sentence for the person who waits for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from lakehouse.errors import TRY_AGAIN

if TYPE_CHECKING:
    from kubernetes.client import V1Container, V1Job, V1Pod

DRIVER = "driver"
_NEVER_STARTS = {
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
}
_IMAGE = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"}
_DISRUPTED = {
    "PreemptionByScheduler": "it had to make room for a pod of higher priority",
    "DeletionByTaintManager": "its node {node} was lost, or is being emptied",
    "EvictionByEvictionAPI": "its node {node} is being drained",
    "DeletionByPodGC": "its node {node} is gone",
    "TerminationByKubelet": "its node {node} ran short of memory or disk, or was shut down",
}
_EXITS = {
    TRY_AGAIN: "a node of the storage was lost under it, so it ended to be started again",
    137: "it was killed (SIGKILL)",
    142: "it could not renew its lease (its node, the network or the API server did not answer), so it ended itself",
    143: "it was asked to end (SIGTERM)",
}


@dataclass(frozen=True)
class PodState:
    """Where a pod is: `sentence` says why it waits or how it ended; a `hopeless` one will not start by itself."""

    phase: Literal["waiting", "running", "ended"]
    sentence: str = ""
    hopeless: bool = False
    exit_code: int | None = None


def driver_of(pod_spec: Any) -> V1Container:
    """The container that the run is in: `driver`, or the first one."""
    return next((one for one in pod_spec.containers if one.name == DRIVER), pod_spec.containers[0])


def state_of(pod: V1Pod) -> PodState:
    """The state of a run's pod."""
    driver = driver_of(pod.spec)
    statuses = {one.name: one for one in pod.status.container_statuses or []}
    state = statuses[driver.name].state if driver.name in statuses else None
    if state is not None and state.terminated:
        return _ended(pod, driver, state.terminated)
    if pod.status.phase in ("Failed", "Succeeded"):
        return PodState("ended", _removed(pod) or pod.status.message or pod.status.reason or "", exit_code=None)
    if state is not None and state.running:
        return PodState("running", _disrupted(pod))
    waiting = [one for one in (pod.status.init_container_statuses or []) if one.state and one.state.waiting]
    if state is not None and state.waiting:
        waiting.append(statuses[driver.name])
    for status in waiting:
        told = _hindered(pod, status)
        if told is not None:
            return told
    return PodState("waiting", _unscheduled(pod) or f"the pod is being made on {pod.spec.node_name or 'a node'}")


def end_of(job: V1Job) -> tuple[bool, str, str] | None:
    """Whether a Job succeeded, with reason and message; None where it goes on."""
    for condition in job.status.conditions or []:
        if condition.status == "True" and condition.type in ("Complete", "Failed"):
            return condition.type == "Complete", condition.reason or "", condition.message or ""
    return None


def _hindered(pod: V1Pod, status: Any) -> PodState | None:
    reason, message = status.state.waiting.reason or "", status.state.waiting.message or ""
    if reason in _IMAGE:
        sentence = f"the image {status.image} cannot be had on {pod.spec.node_name} ({message or reason})"
    elif reason in _NEVER_STARTS:
        sentence = f"the container {status.name} cannot be made on {pod.spec.node_name}: {message or reason}"
    else:
        return None
    return PodState("waiting", sentence, hopeless=reason in _NEVER_STARTS)


def _unscheduled(pod: V1Pod) -> str:
    for condition in pod.status.conditions or []:
        if condition.type == "PodScheduled" and condition.status == "False":
            return f"no node takes the run's pod yet: {condition.message or condition.reason}"
    return ""


def _ended(pod: V1Pod, driver: V1Container, terminated: Any) -> PodState:
    code = int(terminated.exit_code)
    if code == 0:
        return PodState("ended", exit_code=0)
    if terminated.reason == "OOMKilled":
        limits = (driver.resources.limits if driver.resources else None) or {}
        sentence = (
            f"it ran out of memory and was killed at its limit of {limits.get('memory', 'the node')}; give the run's "
            "pod more memory, or its Java less (LAKEHOUSE_DRIVER_MEMORY)"
        )
    elif terminated.reason in ("StartError", "ContainerCannotRun"):
        sentence = f"its command cannot be started: {terminated.message}"
    else:
        sentence = _removed(pod) or _EXITS.get(code, f"it ended with exit code {code}")
    return PodState("ended", sentence, exit_code=code)


def _removed(pod: V1Pod) -> str:
    if pod.status.reason == "Evicted":
        return f"it was evicted from {pod.spec.node_name}: {pod.status.message}"
    if pod.status.reason == "DeadlineExceeded":
        return "it took longer than the release allows a run (activeDeadlineSeconds)"
    return _disrupted(pod)


def _disrupted(pod: V1Pod) -> str:
    for condition in pod.status.conditions or []:
        if condition.type == "DisruptionTarget" and condition.status == "True":
            told = _DISRUPTED.get(condition.reason or "")
            return told.format(node=pod.spec.node_name) if told else str(condition.message or condition.reason)
    return ""
