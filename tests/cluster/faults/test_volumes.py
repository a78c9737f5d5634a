"""Volumes without room: a run says so in a sentence, and the next one, with room, continues to the same tables."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.cluster.faults.fault_table import Fault
from tests.cluster.faults.lanes import Lane, equal
from tests.cluster.faults.parts import await_all_ready, killed_until_ready
from tests.cluster.installation import Installation

RESERVED = re.compile(r"(<name>dfs.datanode.du.reserved</name><value>)(\d+)")
MORE_THAN_ANY_DISK = str(10**15)


def test_full_volumes_are_told_and_the_next_run_continues(
    current: Installation, undisturbed: dict[str, str], faults: list[Fault]
) -> None:
    lane = Lane(current, "full").begin_anew()
    lane.make(_with_a_home_of_a_megabyte)
    submitted = lane.submit()
    code = submitted.end(600)
    home_told, said_of_home = time.monotonic() - submitted.began, submitted.said()
    assert code == 1, said_of_home
    assert f"no space left on the disk of /lakehouse/faults/{lane.name}" in _error(said_of_home)

    lane.make()
    submitted = lane.submit()
    submitted.await_step("silver")
    with _full_data_nodes(current):
        started = time.monotonic()
        code = submitted.end(900)
        storage_told, said_of_storage = time.monotonic() - started, submitted.said()
        assert code == 1, said_of_storage
        assert "their volumes have no room" in _error(said_of_storage)
        started = time.monotonic()
    with_room = time.monotonic() - started

    submitted = lane.submit()
    assert submitted.end() == 0, submitted.said()
    same = equal(lane.content(), undisturbed)
    seen = f"`{_error(said_of_home)}`, exit code 1; the next run continues"
    faults.append(Fault("the volume of the home full", seen, same, f"{home_told:.0f} until told"))
    seen = f"`{_error(said_of_storage)}`, exit code 1; the next run continues"
    told = f"{storage_told:.0f} until told; {with_room:.0f} until HDFS takes blocks again"
    faults.append(Fault("the volumes of both DataNodes full in a run", seen, same, told))


def _with_a_home_of_a_megabyte(pod: dict[str, Any]) -> None:
    (home,) = [volume for volume in pod["volumes"] if volume["name"] == "home"]
    home.pop("persistentVolumeClaim")
    home["emptyDir"] = {"medium": "Memory", "sizeLimit": "1Mi"}  # a file system of that size


@contextmanager
def _full_data_nodes(installed: Installation) -> Iterator[None]:
    """The DataNodes leave more free than there is, which is what a full volume is to them; one is always there."""
    file = "hdfs-site.xml"
    name = f"{installed.release}-hadoop"
    before = json.loads(installed.kubectl("get", "configmap", name, "--output=json"))["data"][file]
    assert RESERVED.search(before)

    def have(content: str) -> None:
        installed.kubectl("patch", "configmap", name, "--patch", json.dumps({"data": {file: content}}))
        for pod in sorted(one["metadata"]["name"] for one in installed.pods("datanode")):
            killed_until_ready(installed, "datanode", pod=pod)

    have(RESERVED.sub(rf"\g<1>{MORE_THAN_ANY_DISK}", before))
    try:
        yield
    finally:
        have(before)
        await_all_ready(installed)


def _error(said: str) -> str:
    """What a run that failed said last, which is one sentence."""
    assert "Traceback" not in said
    *_, line = [line for line in said.splitlines() if line.startswith("error: ")]
    return line.removeprefix("error: ")
