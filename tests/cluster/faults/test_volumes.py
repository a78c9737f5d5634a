"""Volumes without room: a run says so in a sentence, and the next one, with room, continues to the same tables."""

from __future__ import annotations

import time
from typing import Any

from tests.cluster.faults.conftest import VALUES
from tests.cluster.faults.fault_table import Fault
from tests.cluster.faults.lanes import Lane, equal
from tests.cluster.installation import Installation

MORE_THAN_ANY_DISK = 10**15
FULL = {**VALUES, "storage": {"hdfs": {"datanode": {"reservedBytes": MORE_THAN_ANY_DISK}}}}


def test_full_volumes_are_told_and_the_next_run_continues(
    current: Installation, undisturbed: dict[str, str], faults: list[Fault]
) -> None:
    lane = Lane(current, "full")

    def small_home(pod: dict[str, Any]) -> None:
        (home,) = [volume for volume in pod["volumes"] if volume["name"] == "home"]
        home.pop("persistentVolumeClaim")
        home["emptyDir"] = {"medium": "Memory", "sizeLimit": "1Mi"}  # a file system of that size

    lane.make(small_home)
    started = time.monotonic()
    submitted = lane.submit()
    code = submitted.end(600)
    home_told, said_of_home = time.monotonic() - started, submitted.said()
    assert code == 1, said_of_home
    assert "No space left on device" in said_of_home
    assert "Traceback" not in said_of_home

    lane.make()
    current.upgrade(FULL)
    started = time.monotonic()
    submitted = lane.submit()
    code = submitted.end(900)
    storage_told, said_of_storage = time.monotonic() - started, submitted.said()
    assert code == 1, said_of_storage
    assert "Traceback" not in said_of_storage

    started = time.monotonic()
    current.upgrade(VALUES)
    with_room = time.monotonic() - started
    submitted = lane.submit()
    assert submitted.end() == 0, submitted.said()
    same = equal(lane.content(), undisturbed)
    print(said_of_home, said_of_storage)
    seen = _error(said_of_home)
    faults.append(Fault("the volume of the home full", f"`{seen}`, exit code 1", same, f"{home_told:.0f} (until told)"))
    seen = _error(said_of_storage)
    told = f"{storage_told:.0f} (until told); {with_room:.0f} until HDFS takes blocks again, then submit again"
    faults.append(Fault("the volumes of all DataNodes full", f"`{seen}`, exit code 1", same, told))


def _error(said: str) -> str:
    (line,) = [line for line in said.splitlines() if line.startswith("error: ")]
    return line.removeprefix("error: ")
