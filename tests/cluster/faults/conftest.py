"""One release for all faults: the chart's previous state, upgraded by the first test to the current one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lakehouse.settings import CHECKOUT
from tests.cluster.conftest import _stages
from tests.cluster.faults import fault_table
from tests.cluster.faults.fault_table import Fault
from tests.cluster.faults.lanes import Lane, content
from tests.cluster.installation import SMALL, Installation

HERE = Path(__file__).parent
ORDER = ("test_parts", "test_nodes", "test_releases", "test_ends")
VALUES = {"settings": SMALL}
HDFS_STARTS_ANEW = {**VALUES, "storage": {"hdfs": {"config": {"dfs.namenode.handler.count": 20}}}}
"""Another configuration of HDFS: NameNode, DataNodes and SQL endpoints are replaced."""
_faults: list[Fault] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The upgrade, which is in a run that parts are killed in, comes first, the uninstall last."""
    places = [place for place, item in enumerate(items) if HERE in item.path.parents]
    mine = sorted((items[place] for place in places), key=lambda item: ORDER.index(item.path.stem))
    for place, item in zip(places, mine):
        items[place] = item


@pytest.fixture(scope="session")
def previous_chart(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The chart as it was before its last change, from the history, and which that was."""
    git = ["git", "-C", str(CHECKOUT)]
    current = _identity(git, "HEAD")
    told = subprocess.run(
        [*git, "log", "--format=%h", "--", "helm/lakehouse/templates", "helm/lakehouse/values.yaml"],
        capture_output=True,
        text=True,
        check=True,
    )
    commit = next(one for one in told.stdout.split() if _identity(git, one) not in (current, ""))
    folder = tmp_path_factory.mktemp("previous")
    packed = subprocess.run([*git, "archive", commit, "helm/lakehouse"], capture_output=True, check=True)
    subprocess.run(["tar", "--extract", "--directory", str(folder)], input=packed.stdout, check=True)
    return folder / "helm" / "lakehouse", commit


def _identity(git: list[str], commit: str) -> str:
    """The hashes of a commit's templates and values; nothing where it has no chart."""
    parts = [f"{commit}:helm/lakehouse/{part}" for part in ("templates", "values.yaml")]
    told = subprocess.run([*git, "rev-parse", *parts], capture_output=True, text=True)
    return told.stdout if told.returncode == 0 else ""


@pytest.fixture(scope="session")
def installed(previous_chart: tuple[Path, str]) -> Iterator[Installation]:
    """The release, as the previous chart has it."""
    release = Installation(os.environ.get("TEST_NAMESPACE", "lakehouse-faults"))
    _stages.clear()
    release.stages = _stages
    release.bring_images()
    if os.environ.get("TEST_RELEASE") != "there":
        with release.stage(f"helm install of the chart as of {previous_chart[1]}"):
            release.install(VALUES, previous_chart[0])
    yield release
    if os.environ.get("TEST_KEEP") != "yes":
        with release.stage("removed"):
            release.remove()


@pytest.fixture(scope="session")
def undisturbed(installed: Installation) -> dict[str, str]:
    """The tables of a run that nothing happened to; of a release that was there (TEST_RELEASE=there) its own."""
    if os.environ.get("TEST_RELEASE") == "there":
        return undisturbed_content(installed)
    lane = Lane(installed, "undisturbed")
    with installed.stage("a run that nothing happens to"):
        submitted = lane.submit()
        code = submitted.end()
    assert code == 0, submitted.said()
    found = lane.content()
    assert len(found) > 40
    return found


def undisturbed_content(installed: Installation) -> dict[str, str]:
    """The same tables as they are now."""
    return content(installed) if os.environ.get("TEST_RELEASE") == "there" else Lane(installed, "undisturbed").content()


@pytest.fixture(scope="session")
def current(installed: Installation) -> Installation:
    """The release, of the current chart."""
    installed.upgrade(VALUES)
    return installed


@pytest.fixture(scope="session")
def faults() -> list[Fault]:
    """Rows of the table; a test adds one when all that it says is so."""
    return _faults


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not _faults:
        return
    terminalreporter.section("faults")
    for fault in _faults:
        terminalreporter.write_line(fault.row().rstrip())
    if os.environ.get("TEST_WRITE") == "yes":
        fault_table.write(_faults)
