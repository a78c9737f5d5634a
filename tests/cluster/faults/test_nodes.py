"""A run that loses a worker, by its network and then by its power, goes on with two executors to the same tables."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import pytest

from tests.cluster.faults.fault_table import Fault
from tests.cluster.faults.lanes import Lane, Submitted, await_that, await_two, equal
from tests.cluster.faults.parts import await_all_ready
from tests.cluster.installation import Installation
from tests.cluster.nodes import without_network, without_power

SECONDS_TO_REPLACE = 240
SECONDS_WITHOUT_NETWORK = 60


@dataclass(frozen=True)
class Loss:
    """What was on the node, and the seconds from the loss to each stage of the recovery."""

    parts: str
    asked_for: float
    back: float
    two_at_work: float
    every_part: float


@pytest.fixture(scope="module")
def lane(current: Installation) -> Lane:
    return Lane(current, "executors").begin_anew()


@pytest.fixture(scope="module")
def submitted(lane: Lane) -> Submitted:
    return lane.submit()


@pytest.fixture(scope="module")
def without_its_network(current: Installation, submitted: Submitted) -> Loss:
    """The network of the worker beside the driver's cut for a minute, from the step `features` on."""
    submitted.await_step("features")
    return _lose_a_worker(current, submitted, without_network, at_least=SECONDS_WITHOUT_NETWORK)


@pytest.fixture(scope="module")
def without_its_power(current: Installation, submitted: Submitted, without_its_network: Loss) -> Loss:
    """The power of that worker cut in the step `train`, until another executor is asked for."""
    submitted.await_step("train")
    return _lose_a_worker(current, submitted, without_power, at_least=0)


def test_a_workers_network_and_then_its_power_are_lost(
    current: Installation,
    lane: Lane,
    submitted: Submitted,
    without_its_network: Loss,
    without_its_power: Loss,
    undisturbed: dict[str, str],
    faults: list[Fault],
) -> None:
    code = submitted.end()
    assert code == 0, submitted.said()
    same = equal(lane.content(), undisturbed)
    for name, loss in (
        ("the network of a worker cut for 60 s", without_its_network),
        ("a worker's power cut in the middle of a run, and back", without_its_power),
    ):
        seen = f"steps may stand until it is back; on that worker were {loss.parts}"
        told = (
            f"{loss.asked_for:.0f} until another executor was asked for (worker back after {loss.back:.0f}), "
            f"{loss.two_at_work:.0f} until two were at work, {loss.every_part:.0f} until every part was ready"
        )
        faults.append(Fault(name, seen, same, told))


def _lose_a_worker(
    installed: Installation,
    submitted: Submitted,
    without: Callable[[str], AbstractContextManager[None]],
    at_least: float,
) -> Loss:
    """Cut off the worker that the driver is not on until its executor is replaced; wait until all is well again."""
    await_two(submitted)
    await_all_ready(installed)
    node, lost = _beside_the_driver(submitted)
    parts = ", ".join(sorted(_parts_on(installed, node)))
    started = time.monotonic()
    with without(node):
        asked_for = await_that(lambda: _is_replaced(installed, submitted, lost), SECONDS_TO_REPLACE, "another executor")
        time.sleep(max(0.0, at_least - asked_for))
        back = time.monotonic() - started
    await_two(submitted, lost)
    two_at_work = time.monotonic() - started
    await_all_ready(installed)
    return Loss(parts, asked_for, back, two_at_work, time.monotonic() - started)


def _beside_the_driver(submitted: Submitted) -> tuple[str, set[str]]:
    """A node that the driver is not on and executors are, and these."""
    driver = submitted.driver_node()
    executors = submitted.executors()
    node = next(iter(sorted({place for place in executors.values() if place != driver})), None)
    assert node is not None, executors
    return node, {name for name, place in executors.items() if place == node}


def _parts_on(installed: Installation, node: str) -> set[str]:
    return {
        pod["metadata"]["labels"].get("app.kubernetes.io/component", "")
        for pod in installed.objects("pods", f"--field-selector=spec.nodeName={node},status.phase=Running")
    } - {"", "executor", "test"}


def _is_replaced(installed: Installation, submitted: Submitted, lost: set[str]) -> bool:
    """Whether the lost executors' pods are gone and new ones' are there."""
    pods = installed.objects("pods", "--selector=spark-role=executor")
    now = {pod["metadata"]["name"] for pod in pods if pod["metadata"]["name"].startswith(submitted.run)}
    return not lost & now and len(now) == 2
