"""A run's executors are two again after one was killed and after the power of its node was cut; its sums stay right.

The work is one query over and over, without storage, so that nothing but executors is what these tests are about.
How a node's power is cut is told in tests/cluster/nodes.py.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.cluster.installation import Installation
from tests.cluster.nodes import without_power

JOB = "lakehouse-rounds"
ROUNDS = """
import time
from lakehouse.session import open_session
from lakehouse.settings import load_settings

spark = open_session(load_settings())
ends = time.monotonic() + 900
while time.monotonic() < ends:
    total = spark.range(0, 2000000, 1, 8).selectExpr("sum(id % 97)").head()[0]
    print("round", total, spark.sparkContext._jsc.sc().getExecutorMemoryStatus().size() - 1, flush=True)
    time.sleep(2)
"""
TOTAL = sum(number % 97 for number in range(2_000_000))
SECONDS_TO_START, SECONDS_TO_REPLACE = 300, 180


class Rounds:
    """The Job that does rounds; its lines are `round TOTAL EXECUTORS`."""

    def __init__(self, installed: Installation) -> None:
        self._installed = installed
        (run,) = [one for one in installed.objects("cronjobs") if one["metadata"]["name"] == f"{installed.release}-run"]
        spec: dict[str, Any] = json.loads(json.dumps(run["spec"]["jobTemplate"]["spec"]))
        pod = spec["template"]["spec"]
        pod.pop("initContainers", None)
        (driver,) = pod["containers"]
        driver["env"] = [one for one in driver["env"] if one["name"] != "LAKEHOUSE_LEASE"]
        # Nothing of it is written: a home of its own, and no event log where HDFS may be on the node that is lost.
        alone = {"LAKEHOUSE_HOME": "/tmp/home", "LAKEHOUSE_SCRATCH_DIR": "/tmp/scratch"}
        script = 'unset LAKEHOUSE_STORAGE HADOOP_CONF_DIR; exec python -c "$ROUNDS"'
        driver["args"] = ["bash", "-c", script]
        driver["env"] += [{"name": name, "value": value} for name, value in {**alone, "ROUNDS": ROUNDS}.items()]
        job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": JOB}, "spec": spec}
        installed.kubectl("apply", "--filename=-", given=json.dumps(job))

    def lines(self) -> list[tuple[int, int]]:
        """Total and executors of each round so far."""
        said = self._installed.kubectl("logs", f"job/{JOB}", "--container=driver", "--tail=-1")
        return [(int(total), int(count)) for total, count in re.findall(r"^round (\d+) (\d+)$", said, re.M)]

    def executors(self) -> dict[str, str]:
        """Running executors that nobody has deleted: name -> node."""
        pods = self._installed.objects("pods", "--selector=spark-role=executor")
        return {
            pod["metadata"]["name"]: pod["spec"]["nodeName"]
            for pod in pods
            if pod["metadata"]["name"].startswith(JOB)
            and pod["status"]["phase"] == "Running"
            and "deletionTimestamp" not in pod["metadata"]
        }

    def driver_node(self) -> str:
        (pod,) = self._installed.objects("pods", f"--selector=job-name={JOB}")
        return str(pod["spec"]["nodeName"])

    def remove(self) -> None:
        self._installed.kubectl("delete", "job", JOB, "--ignore-not-found", "--wait=true")


@pytest.fixture(scope="module")
def rounds(installed: Installation) -> Iterator[Rounds]:
    started = Rounds(installed)
    _await(lambda: len(started.executors()) == 2 and bool(_lines(started)), SECONDS_TO_START, "two executors at work")
    yield started
    started.remove()


def test_an_executor_that_is_killed_is_replaced(installed: Installation, rounds: Rounds) -> None:
    before = rounds.executors()
    killed = sorted(before)[0]
    installed.kubectl("delete", "pod", killed, "--grace-period=0", "--force")
    with installed.stage("an executor killed, until two are at work again"):
        _await(lambda: _are_two_again(rounds, before, {killed}), SECONDS_TO_REPLACE, "another executor at work")
    assert {total for total, _ in rounds.lines()} == {TOTAL}


def test_the_executor_of_a_node_without_power_is_replaced(installed: Installation, rounds: Rounds) -> None:
    before = rounds.executors()
    lost = {name: node for name, node in before.items() if node != rounds.driver_node()}
    assert len(lost) == 1, before  # they are spread, and the driver is on one of the two nodes
    (node,) = lost.values()
    with without_power(node), installed.stage("the power of a worker cut, until Spark has asked for another executor"):
        _await(lambda: _is_asked_for(installed, before, set(lost)), SECONDS_TO_REPLACE, "another executor's pod")
    # It starts at once where the other worker has the memory, else when the power is back.
    with installed.stage("the power of a worker back, until two executors are at work again"):
        _await(lambda: _are_two_again(rounds, before, set(lost)), SECONDS_TO_REPLACE, "another executor at work")
    assert {total for total, _ in rounds.lines()} == {TOTAL}


def _is_asked_for(installed: Installation, before: dict[str, str], gone: set[str]) -> bool:
    """Whether the lost executors' pods are gone and there is a new one's."""
    pods = installed.objects("pods", "--selector=spark-role=executor")
    now = {pod["metadata"]["name"] for pod in pods if pod["metadata"]["name"].startswith(JOB)}
    return not now & gone and bool(now - set(before))


def _are_two_again(rounds: Rounds, before: dict[str, str], gone: set[str]) -> bool:
    """Whether Spark works with two executors, of which one is new and none is a lost one."""
    now = set(rounds.executors())
    is_new = bool(now - set(before)) and not now & gone and len(now) == 2
    return is_new and bool(_lines(rounds)) and _lines(rounds)[-1][1] == 2


def _lines(rounds: Rounds) -> list[tuple[int, int]]:
    try:
        return rounds.lines()
    except AssertionError:  # the container has not started, or its node's kubelet does not answer now
        return []


def _await(is_so: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        time.sleep(2)
