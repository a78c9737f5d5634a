"""Parts of a release that are killed, and how one sees that they work again."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from tests.cluster.faults.lanes import await_that
from tests.cluster.installation import Failed, Installation

SECONDS_TO_COME_BACK = 300


def kill(installed: Installation, pod: str, container: str) -> None:
    """SIGKILL to every process of a container but its first one, tini, which then ends with 137."""
    with suppress(Failed):  # the shell that killed goes with the container
        installed.kubectl("exec", pod, f"--container={container}", "--", "bash", "-c", "kill -9 -1", seconds=60)


def killed_until_ready(
    installed: Installation, component: str, container: str | None = None, pod: str | None = None
) -> float:
    """Kill a part (the first of its pods, if none is named); seconds until it was started again and is ready.

    Without a container's name its pod goes as a whole, without grace: the first process of PostgreSQL's container is
    PostgreSQL itself, which nothing in there can kill.
    """
    killed = next(one for one in sorted(installed.pods(component), key=_name) if pod in (None, _name(one)))
    started = time.monotonic()
    if container is None:
        installed.kubectl("delete", "pod", _name(killed), "--grace-period=0", "--force", "--wait=false")
    else:
        kill(installed, _name(killed), container)

    def is_back() -> bool:
        now = [one for one in installed.pods(component) if _name(one) == _name(killed)]
        return bool(now) and _starts(now[0]) != _starts(killed) and _is_ready(now[0])

    await_that(is_back, SECONDS_TO_COME_BACK, f"{component} is ready again")
    return time.monotonic() - started


def await_all_ready(installed: Installation, seconds: float = 600) -> float:
    """Seconds until every Deployment and StatefulSet of the release has all its pods ready."""

    def are_ready() -> bool:
        owners = [*installed.objects("deployments"), *installed.objects("statefulsets")]
        return all(
            one["status"].get("readyReplicas", 0) == one["spec"]["replicas"]
            and one["status"].get("updatedReplicas", one["spec"]["replicas"]) == one["spec"]["replicas"]
            for one in owners
        )

    return await_that(are_ready, seconds, "every part is ready")


def proven(installed: Installation) -> str:
    """What `helm test` says: each part used as its users do."""
    return installed.helm("test", installed.release, "--logs", "--timeout", "10m")


def _name(pod: dict[str, Any]) -> str:
    return str(pod["metadata"]["name"])


def _starts(pod: dict[str, Any]) -> tuple[str, int]:
    restarts = sum(status["restartCount"] for status in pod["status"].get("containerStatuses", []))
    return str(pod["metadata"]["uid"]), restarts


def _is_ready(pod: dict[str, Any]) -> bool:
    statuses = pod["status"].get("containerStatuses", [])
    return bool(statuses) and all(status["ready"] for status in statuses)
