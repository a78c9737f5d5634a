"""Why a pod does not start, and how it ended, in one sentence each."""

from __future__ import annotations

from typing import Any

import pytest
from kubernetes.client import V1Job, V1Pod

from lakehouse.cluster.kept_lease import all_ended
from lakehouse.cluster.pods import PodState, driver_of, end_of, state_of
from tests.unit.cluster.models import condition, model


def pod(state: dict[str, Any] | None = None, **status: Any) -> V1Pod:
    statuses = (
        [] if state is None else [{"name": "driver", "state": state, "image": "lakehouse:0.2", "ready": False,
                                   "restartCount": 0, "imageID": ""}]
    )  # fmt: skip
    return model(
        "V1Pod",
        {
            "metadata": {"name": "lakehouse-run-1-abcde"},
            "spec": {
                "restartPolicy": "Never",
                "nodeName": "worker-1",
                "containers": [
                    {"name": "proxy"},
                    {"name": "driver", "resources": {"limits": {"memory": "2Gi"}}},
                ],
            },
            "status": {"phase": "Pending", "containerStatuses": statuses, **status},
        },
    )


def terminated(code: int, reason: str = "Error", message: str = "") -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "reason": reason, "message": message}}


def test_the_driver_is_the_container_of_that_name() -> None:
    assert driver_of(pod().spec).name == "driver"


@pytest.mark.parametrize(
    ("given", "state"),
    [
        (
            pod({"waiting": {"reason": "ErrImagePull", "message": "not found"}}),
            PodState("waiting", "the image lakehouse:0.2 cannot be had on worker-1 (not found)"),
        ),
        (
            pod({"waiting": {"reason": "ImagePullBackOff", "message": "Back-off"}}),
            PodState("waiting", "the image lakehouse:0.2 cannot be had on worker-1 (Back-off)", hopeless=True),
        ),
        (
            pod({"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "s" not found'}}),
            PodState(
                "waiting", 'the container driver cannot be made on worker-1: secret "s" not found', hopeless=True
            ),
        ),
        (
            pod(conditions=[condition("PodScheduled", "False", "Unschedulable", "0/3 nodes: Insufficient memory.")]),
            PodState("waiting", "no node takes the run's pod yet: 0/3 nodes: Insufficient memory."),
        ),
        (
            pod({"waiting": {"reason": "ContainerCreating"}}),
            PodState("waiting", "the pod is being made on worker-1"),
        ),
        (pod({"running": {}}, phase="Running"), PodState("running")),
        (pod(terminated(0, "Completed"), phase="Succeeded"), PodState("ended", exit_code=0)),
        (pod(terminated(3), phase="Failed"), PodState("ended", "it ended with exit code 3", exit_code=3)),
        (pod(terminated(137), phase="Failed"), PodState("ended", "it was killed (SIGKILL)", exit_code=137)),
        (
            pod(terminated(137, "OOMKilled"), phase="Failed"),
            PodState(
                "ended",
                "it ran out of memory and was killed at its limit of 2Gi; give the run's pod more memory, or its Java "
                "less (LAKEHOUSE_DRIVER_MEMORY)",
                exit_code=137,
            ),
        ),
        (
            pod(terminated(128, "StartError", "exec: lakehouse: not found"), phase="Failed"),
            PodState("ended", "its command cannot be started: exec: lakehouse: not found", exit_code=128),
        ),
        (
            pod(None, phase="Failed", reason="Evicted", message="The node was low on resource: memory."),
            PodState("ended", "it was evicted from worker-1: The node was low on resource: memory."),
        ),
        (
            pod(
                terminated(143), phase="Failed",
                conditions=[condition("DisruptionTarget", "True", "EvictionByEvictionAPI", "Eviction API: evicting")],
            ),
            PodState("ended", "its node worker-1 is being drained", exit_code=143),
        ),
        (
            pod(terminated(142), phase="Failed"),
            PodState(
                "ended",
                "it could not renew its lease (its node, the network or the API server did not answer), so it ended "
                "itself",
                exit_code=142,
            ),
        ),
    ],
)  # fmt: skip
def test_a_pod_in_a_sentence(given: V1Pod, state: PodState) -> None:
    assert state_of(given) == state


def test_only_the_kubelet_vouches_for_the_end_of_a_pod() -> None:
    assert all_ended(pod(terminated(137), phase="Failed"))
    assert not all_ended(pod({"running": {}}, phase="Failed"))  # the node is lost: only the API server gave it up
    assert not all_ended(pod(None, phase="Failed"))
    restarting = pod(terminated(137), phase="Running")
    restarting.spec.restart_policy = "OnFailure"
    assert not all_ended(restarting)


def test_a_job_ends_when_it_says_so() -> None:
    def job(*conditions: dict[str, str]) -> V1Job:
        return model("V1Job", {"status": {"conditions": list(conditions)}})

    assert end_of(job()) is None
    assert end_of(job(condition("FailureTarget", "True", "PodFailurePolicy"))) is None
    assert end_of(job(condition("Failed", "True", "PodFailurePolicy", "exit code 3"))) == (
        False,
        "PodFailurePolicy",
        "exit code 3",
    )
    assert end_of(job(condition("Complete", "True", "CompletionsReached"))) == (True, "CompletionsReached", "")
