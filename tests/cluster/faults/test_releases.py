"""What is done to a release while it has data, and while a run writes: no row is lost, and none doubled."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.cluster.faults.conftest import HDFS_STARTS_ANEW, VALUES, undisturbed_content
from tests.cluster.faults.fault_table import Fault
from tests.cluster.faults.lanes import Lane, equal
from tests.cluster.faults.parts import await_all_ready, proven
from tests.cluster.installation import Failed, Installation
from tests.cluster_programs import CHART

NO_SUCH_TAG = "0.0.0-no-such"


def test_a_rollback_keeps_the_data(current: Installation, undisturbed: dict[str, str], faults: list[Fault]) -> None:
    current.upgrade(HDFS_STARTS_ANEW)
    started = time.monotonic()
    current.helm("rollback", current.release, "--wait", "--timeout", "15m")
    await_all_ready(current)
    seconds = time.monotonic() - started
    same = equal(undisturbed_content(current), undisturbed)
    proven(current)
    seen = "HDFS starts anew where its configuration differs; what reads or writes waits"
    faults.append(Fault("`helm rollback`", seen, f"{same}; `helm test` passes", f"{seconds:.0f}"))


def test_an_upgrade_to_an_image_that_is_not_there_changes_nothing(
    current: Installation, undisturbed: dict[str, str], faults: list[Fault]
) -> None:
    before = _images(current)
    started = time.monotonic()
    wrong = ["--reuse-values", "--set", f"images.lakehouse.tag={NO_SUCH_TAG}"]
    with pytest.raises(Failed) as told:
        current.helm("upgrade", current.release, str(CHART), *wrong, "--wait", "--timeout", "60s")
    seconds = time.monotonic() - started
    assert "pre-upgrade hooks failed" in str(told.value)
    assert _images(current) == before
    await_all_ready(current, 30)
    current.upgrade(VALUES)  # the next upgrade is an ordinary one
    same = equal(undisturbed_content(current), undisturbed)
    seen = "`pre-upgrade hooks failed` at Helm's timeout; everything goes on with the old image"
    faults.append(Fault("`helm upgrade` to a wrong image tag", seen, same, f"{seconds:.0f} (timeout 60 s)"))


def test_a_run_of_an_image_that_is_not_there_is_taken_back(current: Installation, faults: list[Fault]) -> None:
    lane = Lane(current, "no-image")

    def change(pod: dict[str, Any]) -> None:
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            container["image"] = f"lakehouse:{NO_SUCH_TAG}"

    lane.make(change)
    submitted = lane.submit()
    code = submitted.end(300)
    seconds = time.monotonic() - submitted.began
    said = submitted.said()
    assert code == 2, said
    assert f"cannot begin: the image lakehouse:{NO_SUCH_TAG} cannot be had on " in said
    assert submitted.pods() == []
    seen = "`the image lakehouse:… cannot be had on worker-…`, exit code 2; the run is taken back"
    faults.append(Fault("a run of a wrong image tag", seen, "nothing was written", f"{seconds:.0f} (until told)"))


def _images(installed: Installation) -> set[str]:
    owners = [*installed.objects("deployments"), *installed.objects("statefulsets")]
    pods = [one["spec"]["template"]["spec"] for one in owners]
    pods += [one["spec"]["jobTemplate"]["spec"]["template"]["spec"] for one in installed.objects("cronjobs")]
    return {container["image"] for pod in pods for container in [*pod["containers"], *pod.get("initContainers", [])]}
