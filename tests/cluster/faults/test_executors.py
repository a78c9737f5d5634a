"""A run whose executors are lost, one by one and with their node: it goes on, with two again, to the same tables."""

from __future__ import annotations

import time

import pytest

from tests.cluster.faults.fault_table import Fault
from tests.cluster.faults.lanes import Lane, Submitted, await_that, equal
from tests.cluster.faults.parts import await_all_ready, kill
from tests.cluster.installation import Installation
from tests.cluster.nodes import without_network, without_power

SECONDS_TO_START, SECONDS_TO_REPLACE = 300, 240
SECONDS_WITHOUT_NETWORK = 60


def test_an_executor_and_then_a_workers_power_are_lost(
    current: Installation, undisturbed: dict[str, str], faults: list[Fault]
) -> None:
    lane = Lane(current, "executors")
    submitted = lane.submit()
    submitted.await_step("silver")
    _await_two(submitted)
    before = submitted.executors()
    killed = sorted(before)[0]
    started = time.monotonic()
    kill(current, killed, "executor")
    _await_two(submitted, {killed})
    after_kill = time.monotonic() - started

    submitted.await_step("features")
    _await_two(submitted)
    lost, node = _beside_the_driver(submitted)
    parts = sorted(_parts_on(current, node))
    started = time.monotonic()
    with without_power(node):
        asked_for = await_that(lambda: _is_replaced(current, submitted, lost), SECONDS_TO_REPLACE, "another executor")
        back_at = time.monotonic()
    _await_two(submitted, {lost})
    after_power = time.monotonic() - started
    parts_ready = time.monotonic() - back_at
    await_all_ready(current)
    parts_ready = max(parts_ready, time.monotonic() - back_at)

    code = submitted.end()
    assert code == 0, submitted.said()
    same = equal(lane.content(), undisturbed)
    seen = "nothing; tasks of the executor are done again, another one is started"
    faults.append(Fault("an executor killed", seen, same, f"{after_kill:.0f} until two are at work"))
    seen = f"steps stand until HDFS and executors are back; on that worker were {', '.join(parts)}"
    told = (
        f"{asked_for:.0f} until another executor is asked for, {after_power:.0f} until two are at work "
        f"(power back after {back_at - started:.0f}); every part ready {parts_ready:.0f} after the power"
    )
    faults.append(Fault("a worker's power cut in the middle of a run, and back", seen, same, told))


def test_the_network_of_a_worker_is_cut_for_a_minute(
    current: Installation, undisturbed: dict[str, str], faults: list[Fault]
) -> None:
    lane = Lane(current, "network")
    submitted = lane.submit()
    submitted.await_step("silver")
    _await_two(submitted)
    _, node = _beside_the_driver(submitted)
    parts = sorted(_parts_on(current, node))
    with without_network(node):
        time.sleep(SECONDS_WITHOUT_NETWORK)
    started = time.monotonic()
    await_that(lambda: len(submitted.executors()) == 2 or submitted.process.poll() is not None, 240, "two executors")
    again = time.monotonic() - started
    await_all_ready(current)
    ready = time.monotonic() - started
    code = submitted.end()
    assert code == 0, submitted.said()
    same = equal(lane.content(), undisturbed)
    seen = f"steps stand while parts on it cannot be reached ({', '.join(parts)})"
    told = f"{again:.0f} after the network is back until two executors are at work, {ready:.0f} until every part is"
    faults.append(Fault("the network of a worker cut for 60 s", seen, same, told))


def _await_two(submitted: Submitted, gone: frozenset[str] | set[str] = frozenset()) -> None:
    """Return once two executors are at work and none of them is a lost one; at once where the run is over."""

    def are_two() -> bool:
        now = set(submitted.executors())
        return len(now) == 2 and not now & gone

    await_that(are_two, SECONDS_TO_START, "two executors at work")
    if submitted.process.poll() is not None:
        pytest.fail(f"the run ended before its time:\n{submitted.said()}")


def _beside_the_driver(submitted: Submitted) -> tuple[str, str]:
    """The executor that is not on the driver's node, and its node."""
    driver = submitted.driver_node()
    others = [(name, node) for name, node in submitted.executors().items() if node != driver]
    assert len(others) == 1, submitted.executors()
    return others[0]


def _parts_on(installed: Installation, node: str) -> set[str]:
    return {
        pod["metadata"]["labels"].get("app.kubernetes.io/component", "")
        for pod in installed.objects("pods", f"--field-selector=spec.nodeName={node},status.phase=Running")
    } - {"", "executor", "test"}


def _is_replaced(installed: Installation, submitted: Submitted, lost: str) -> bool:
    """Whether the lost executor's pod is gone and a new one's is there."""
    pods = installed.objects("pods", "--selector=spark-role=executor")
    now = {pod["metadata"]["name"] for pod in pods if pod["metadata"]["name"].startswith(submitted.run)}
    return lost not in now and len(now) == 2
