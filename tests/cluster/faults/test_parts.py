"""Volumes get full, two submit at once, each part is killed in a run: one lane, which ends with the same tables.

What is told of each, and how long it takes to come back, is seen apart: a fault begins when the last one is mended.
"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest

from tests.cluster.faults.conftest import HDFS_STARTS_ANEW, undisturbed_content
from tests.cluster.faults.fault_table import Fault
from tests.cluster.faults.lanes import Lane, Submitted, await_that, await_two, equal
from tests.cluster.faults.parts import await_all_ready, kill, killed_until_ready, proven
from tests.cluster.faults.volumes import error_of, full_data_nodes, with_a_home_of_a_megabyte
from tests.cluster.installation import Installation


@pytest.fixture(scope="module")
def lane(installed: Installation, undisturbed: dict[str, str]) -> Lane:
    return Lane(installed, "parts").begin_anew()


@pytest.fixture(scope="module")
def full(installed: Installation, lane: Lane) -> list[tuple[str, str, str]]:
    """Two runs that had no room, in their home and then in HDFS from the step `silver` on: fault, sentence, seconds."""
    lane.make(with_a_home_of_a_megabyte)
    submitted = lane.submit()
    code = submitted.end(600)
    home, said = time.monotonic() - submitted.began, submitted.said()
    assert code == 1, said
    no_room_at_home = error_of(said)
    assert f"no space left on the disk of /lakehouse/faults/{lane.name}" in no_room_at_home

    lane.make()
    submitted = lane.submit()
    submitted.await_step("silver")
    with full_data_nodes(installed):
        started = time.monotonic()
        code = submitted.end(900)
        storage, said = time.monotonic() - started, submitted.said()
        assert code == 1, said
        no_room_in_storage = error_of(said)
        assert "no DataNode of HDFS takes a block: their volumes have no room" in no_room_in_storage
        started = time.monotonic()
    told = f"{storage:.0f} until told; {time.monotonic() - started:.0f} until HDFS takes blocks again"
    return [
        ("the volume of the home full", no_room_at_home, f"{home:.0f} until told"),
        ("the volumes of both DataNodes full in a run", no_room_in_storage, told),
    ]


@pytest.fixture(scope="module")
def two(lane: Lane, full: list[tuple[str, str, str]]) -> tuple[Submitted, Submitted, float]:
    """The run that goes on, the one that was refused, and the seconds until it was."""
    both = [lane.submit(), lane.submit()]
    seconds = await_that(lambda: any(one.process.poll() is not None for one in both), 300, "one of two ends")
    refused, going = sorted(both, key=lambda one: one.process.poll() is None)
    return going, refused, seconds


def test_of_two_submits_at_once_one_is_refused(two: tuple[Submitted, Submitted, float]) -> None:
    going, refused, _ = two
    assert refused.process.returncode == 1, refused.said()
    assert "error: another run works on this lakehouse: " in refused.said()
    assert f"{going.run}" in refused.said()
    assert going.process.poll() is None


@pytest.fixture(scope="module")
def seconds(installed: Installation, two: tuple[Submitted, Submitted, float]) -> dict[str, float]:
    """Seconds that each part took to come back; the run is on all the while."""
    submitted = two[0]
    submitted.await_step("silver")
    killed = submitted.pods()[-1]["metadata"]["name"]
    started = time.monotonic()
    kill(installed, killed, "driver")
    await_that(lambda: submitted.pods()[-1]["metadata"]["name"] != killed, 120, "another driver")
    await_that(lambda: "was killed in step" in submitted.log(), 180, "the next run continues")
    found = {"driver": time.monotonic() - started}
    submitted.await_step("silver")
    await_two(submitted)
    executor = sorted(submitted.executors())[0]
    started = time.monotonic()
    kill(installed, executor, "executor")
    await_two(submitted, {executor})
    found["executor"] = time.monotonic() - started
    found["namenode"] = killed_until_ready(installed, "namenode", "namenode")
    submitted.await_step("features")
    found["datanode"] = killed_until_ready(installed, "datanode", "datanode")
    submitted.await_step("train")
    found["postgresql"] = killed_until_ready(installed, "postgresql")
    found["metastore"] = killed_until_ready(installed, "metastore", "metastore")
    for part in ("sql-analyst", "sql-engineer"):
        found[part] = killed_until_ready(installed, part, "sql")
    submitted.await_step("marts")
    started = time.monotonic()
    installed.upgrade(HDFS_STARTS_ANEW)  # to the current chart
    found["upgrade"] = time.monotonic() - started
    return found


def test_the_run_ends_well_with_the_same_tables(
    installed: Installation,
    lane: Lane,
    full: list[tuple[str, str, str]],
    two: tuple[Submitted, Submitted, float],
    seconds: dict[str, float],
    undisturbed: dict[str, str],
    previous_chart: tuple[Path, str],
    faults: list[Fault],
) -> None:
    submitted, _, until_told = two
    code = submitted.end()
    said = submitted.said()
    assert code == 0, said
    assert re.search(r"takes the run up", said)
    assert re.search(r"was killed in step silver; continuing from there", said)
    same = equal(lane.content(), undisturbed)
    await_all_ready(installed)
    proven(installed)
    rows = [
        (
            "two submits at once",
            "one runs; the other `another run works on this lakehouse: …`, exit code 1",
            until_told,
        ),
        ("the driver killed", "`… ended; … takes the run up`, `… was killed in step …; continuing`", seconds["driver"]),
        ("an executor killed", "nothing; its tasks are done again by the other and a new one", seconds["executor"]),
        ("the NameNode killed", "steps stand until it is back", seconds["namenode"]),
        ("a DataNode killed", "nothing; the other has each block too", seconds["datanode"]),
        ("PostgreSQL killed", "nothing in the run: MLflow's client asks again", seconds["postgresql"]),
        ("the metastore killed", "nothing in the run", seconds["metastore"]),
        ("the analysts' SQL endpoint killed", "connections end; new ones once it is warm", seconds["sql-analyst"]),
        ("the engineers' SQL endpoint killed", "connections end; new ones once it is warm", seconds["sql-engineer"]),
    ]
    kept = f"{equal(undisturbed_content(installed), undisturbed)}, those of the run, and those of an earlier one"
    seen = "the run goes on with the image and settings that it began with; what reads or writes waits for HDFS"
    came_from = (
        "" if os.environ.get("TEST_RELEASE") == "there" else f", from the chart as of commit {previous_chart[1]}"
    )
    name = f"`helm upgrade` during a run{came_from}; HDFS starts anew by it"
    faults.append(Fault(name, seen, f"{kept}; `helm test` passes", f"{seconds['upgrade']:.0f} (all of the upgrade)"))
    for name, sentence, told in full:
        seen = f"`{sentence}`, exit code 1; the next run continues"
        faults.append(Fault(name, seen, f"{same}; `helm test` passes", told))
    for name, seen, took in rows:
        faults.append(Fault(name, seen, f"{same}; `helm test` passes", f"{took:.0f}"))
