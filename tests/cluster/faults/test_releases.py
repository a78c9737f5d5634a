"""What is done to a release while it has data, and while a run writes: no row is lost, and none doubled."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.faults.conftest import VALUES
from tests.cluster.faults.fault_table import Fault
from tests.cluster.faults.lanes import Lane, Submitted, equal
from tests.cluster.faults.parts import await_all_ready, proven
from tests.cluster.installation import Failed, Installation
from tests.cluster_programs import CHART

HDFS_STARTS_ANEW = {**VALUES, "storage": {"hdfs": {"config": {"dfs.namenode.handler.count": 20}}}}
NO_SUCH_TAG = "0.0.0-no-such"


@pytest.fixture(scope="module")
def upgraded(
    installed: Installation, previous_chart: tuple[Path, str], undisturbed: dict[str, str]
) -> tuple[float, Submitted]:
    """The release, upgraded to the current chart while a run was on, HDFS started anew by it; seconds, and the run."""
    if os.environ.get("TEST_RELEASE") == "there":
        installed.upgrade(VALUES, chart=previous_chart[0])
    submitted = Lane(installed, "upgrade").begin_anew().submit()
    submitted.await_step("silver")
    started = time.monotonic()
    installed.upgrade(HDFS_STARTS_ANEW)
    seconds = time.monotonic() - started
    submitted.end()
    return seconds, submitted


def test_a_run_goes_on_over_an_upgrade(
    installed: Installation, upgraded: tuple[float, Submitted], undisturbed: dict[str, str], faults: list[Fault]
) -> None:
    seconds, submitted = upgraded
    assert submitted.process.returncode == 0, submitted.said()
    same = equal(Lane(installed, "upgrade").content(), undisturbed)
    seen = "the run goes on, with the image and settings that it began with; steps that write wait for HDFS"
    faults.append(Fault("`helm upgrade` during a run, HDFS started anew by it", seen, same, f"{seconds:.0f} (upgrade)"))


def test_an_upgrade_from_the_previous_chart_keeps_the_data(
    installed: Installation,
    previous_chart: tuple[Path, str],
    upgraded: tuple[float, Submitted],
    undisturbed: dict[str, str],
    faults: list[Fault],
) -> None:
    same = equal(Lane(installed, "undisturbed").content(), undisturbed)
    seen = "nothing; SQL endpoints give way when the new ones are warm"
    name = f"upgrade from the chart as of commit {previous_chart[1]}"
    faults.append(Fault(name, seen, same, f"{upgraded[0]:.0f} (upgrade)"))


def test_a_rollback_keeps_the_data(
    installed: Installation, upgraded: tuple[float, Submitted], undisturbed: dict[str, str], faults: list[Fault]
) -> None:
    started = time.monotonic()
    installed.helm("rollback", installed.release, "--wait", "--timeout", "15m")
    await_all_ready(installed)
    seconds = time.monotonic() - started
    same = equal(Lane(installed, "undisturbed").content(), undisturbed)
    proven(installed)
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
    same = equal(Lane(current, "undisturbed").content(), undisturbed)
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
