from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.installation import SMALL, Installation, reason_for_no_cluster

HERE = Path(__file__).parent
NAMESPACE = "lakehouse-test"
_stages: dict[str, float] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a cluster each test here says so, and none passes."""
    mine = [item for item in items if HERE in item.path.parents]
    reason = reason_for_no_cluster() if mine else None
    if reason:
        for item in mine:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def installed() -> Iterator[Installation]:
    """The chart with its default values in an empty namespace; images are built unless TEST_IMAGES=there.

    TEST_KEEP=yes leaves the release, and TEST_RELEASE=there takes one that was left.
    """
    release = Installation(os.environ.get("TEST_NAMESPACE", NAMESPACE))
    _stages.clear()
    release.stages = _stages
    release.bring_images()
    if os.environ.get("TEST_RELEASE") != "there":
        with release.stage("helm install, until everything is ready"):
            release.install({"settings": SMALL})
    yield release
    if os.environ.get("TEST_KEEP") != "yes":
        with release.stage("removed"):
            release.remove()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _stages:
        terminalreporter.section("stages")
        for name, seconds in _stages.items():
            terminalreporter.write_line(f"{seconds:8.1f} s  {name}")
        terminalreporter.write_line(f"{sum(_stages.values()):8.1f} s  all")
