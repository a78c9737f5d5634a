"""A run with tables and a home of its own in an installed release, started by `lakehouse submit` as a person does.

The release's CronJob is copied under another name, with another folder of the storage and of the home volume in it: the
chart is installed once, and no run sees what another one left.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Set
from types import MappingProxyType
from typing import Any

from lakehouse.pipeline import HISTORY
from lakehouse.settings import CHECKOUT
from tests.cluster.installation import Failed, Installation
from tests.cluster.laptop import ARRIVAL
from tests.cluster.tables import read_by, tables_of
from tests.crash.killing import COUNTED
from tests.integration.content import rows_hash

LAYERS = ("bronze", "silver", "gold", "ml")
SECONDS_OF_A_RUN = 1500
SECONDS_OF_EXECUTORS = 300
SESSION = secrets.token_hex(2)
"""Of these tests: a release that was there may have lanes of earlier ones."""
FORGET_MODELS = """
import mlflow
from lakehouse.settings import load_settings
client = mlflow.MlflowClient(load_settings().mlflow_uri)
for model in client.search_registered_models():
    client.delete_registered_model(model.name)
"""


def await_that(is_so: Callable[[], object], seconds: float, what: str) -> float:
    """Wait until it is so; the seconds that it took. A question that the cluster does not answer is asked again."""
    started = time.monotonic()
    while True:
        try:
            if is_so():
                return time.monotonic() - started
            said = ""
        except (Failed, subprocess.TimeoutExpired) as error:
            said = f" ({str(error)[-300:]})"
        if time.monotonic() - started > seconds:
            raise AssertionError(f"not within {seconds:.0f} s: {what}{said}")
        time.sleep(1)


class Submitted:
    """`lakehouse submit`, going on in a process of its own."""

    def __init__(self, installed: Installation, release: str) -> None:
        self._installed = installed
        self._out = tempfile.TemporaryFile("w+")  # noqa: SIM115 - read until this object goes
        command = [sys.executable, "-m", "lakehouse", "submit", "--release", release]
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [*command, "--namespace", installed.namespace],
            stdout=self._out,
            stderr=subprocess.STDOUT,
            cwd=CHECKOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )

    def said(self) -> str:
        """What its user has seen."""
        self._out.seek(0)
        return self._out.read()

    def end(self, seconds: float = SECONDS_OF_A_RUN) -> int:
        """Its exit code, once it has ended."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"the run did not end within {seconds:.0f} s:\n{self.said()}") from None

    @property
    def run(self) -> str:
        """The name of its Job."""
        found: list[str] = []

        def is_told() -> bool:
            found[:] = re.findall(r"^submitted (\S+) to", self.said(), re.M)
            return bool(found) or self.process.poll() is not None

        await_that(is_told, 60, "submit says the run's name")
        assert found, self.said()
        return found[0]

    def pods(self) -> list[dict[str, Any]]:
        """The pods of its run, oldest first."""
        pods = self._installed.objects("pods", f"--selector=job-name={self.run}")
        return sorted(pods, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))

    def driver_node(self) -> str:
        return str(self.pods()[-1]["spec"]["nodeName"])

    def log(self) -> str:
        """All that its newest pod said."""
        name = self.pods()[-1]["metadata"]["name"]
        return self._installed.kubectl("logs", name, "--container=driver", "--tail=-1")

    def await_step(self, step: str, seconds: float = SECONDS_OF_A_RUN) -> None:
        """Return once the run is in a step."""
        mark = f'"started", "step": "{step}"'

        def is_there() -> bool:
            assert self.process.poll() is None, f"it ended before it came to {step}:\n{self.said()}"
            return mark in self.log()

        await_that(is_there, seconds, f"the run is in step {step}")

    def executors(self) -> dict[str, str]:
        """Running executors that nobody has deleted: name -> node."""
        pods = self._installed.objects("pods", "--selector=spark-role=executor")
        return {
            pod["metadata"]["name"]: pod["spec"]["nodeName"]
            for pod in pods
            if pod["metadata"]["name"].startswith(self.run)
            and pod["status"]["phase"] == "Running"
            and all(status.get("ready") for status in pod["status"].get("containerStatuses", [{}]))
            and "deletionTimestamp" not in pod["metadata"]
        }


def await_two(submitted: Submitted, gone: Set[str] = frozenset()) -> None:
    """Return once two executors are at work and none of them is a lost one; at once where the run is over."""

    def are_two() -> bool:
        now = set(submitted.executors())
        return len(now) == 2 and not now & gone

    await_that(are_two, SECONDS_OF_EXECUTORS, "two executors at work")
    if submitted.process.poll() is not None:
        raise AssertionError(f"the run ended before its time:\n{submitted.said()}")


class Lane:
    """A CronJob `NAME-run` with the release's template, for runs on tables and a home of their own."""

    def __init__(self, installed: Installation, name: str, more: Mapping[str, str] = MappingProxyType({})) -> None:
        """`more` are variables of its runs beside those of the release."""
        self._installed = installed
        self.name = f"{name}-{SESSION}"
        cron_job = self._template()
        driver = cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
        settings = json.loads(installed.kubectl("get", "configmap", f"{installed.release}-settings", "--output=json"))[
            "data"
        ]
        self.storage = f"{settings['LAKEHOUSE_STORAGE'].rpartition('/')[0]}/faults/{self.name}"
        own = {"LAKEHOUSE_STORAGE": self.storage, "LAKEHOUSE_HOME": f"/lakehouse/faults/{self.name}"}
        self._own = [{"name": key, "value": value} for key, value in {**own, **more}.items()]
        assert driver["name"] == "driver"
        self.make()

    def begin_anew(self) -> Lane:
        """Forget the models of earlier lanes, all that the release's MLflow has: the first run trains."""
        read_by(self._installed, FORGET_MODELS)
        _remove_reader(self._installed)
        return self

    def make(self, change: Callable[[dict[str, Any]], None] = lambda pod: None) -> None:
        """Make the CronJob, or make it anew, with a change to the spec of its pod."""
        cron_job = self._template()
        pod = cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        pod["containers"][0]["env"] += self._own
        for container in pod.get("initContainers", []):
            for variable in container["env"]:
                if variable["name"] == "LAYOUT_ROOT":
                    variable["value"] = f"/faults/{self.name}"
        change(pod)
        kept = {"name": f"{self.name}-run", "labels": cron_job["metadata"]["labels"]}
        made = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": kept, "spec": cron_job["spec"]}
        self._installed.kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", given=json.dumps(made))

    def _template(self) -> dict[str, Any]:
        (found,) = [
            one
            for one in self._installed.objects("cronjobs")
            if one["metadata"]["name"] == f"{self._installed.release}-run"
        ]
        return found

    def submit(self) -> Submitted:
        return Submitted(self._installed, self.name)

    def content(self) -> dict[str, str]:
        """As `content`, of this lane's tables."""
        return content(self._installed, self.storage)


def content(installed: Installation, storage: str | None = None) -> dict[str, str]:
    """Each table's content as one number, by its name `schema.table`; but for the platform's own history."""
    found = tables_of(installed, *LAYERS, storage=storage)
    _remove_reader(installed)
    return {
        name: rows_hash(rows, (*ARRIVAL, *COUNTED))
        for name, rows in sorted(found.items())
        if not name.startswith(HISTORY)
    }


def _remove_reader(installed: Installation) -> None:
    """The reader's memory may be what the next run's executors lack on its node."""
    installed.kubectl("delete", "pod", f"{installed.release}-reader", "--grace-period=0", "--force")


def equal(found: dict[str, str], expected: dict[str, str]) -> str:
    """That every table is as in an undisturbed run, in words for the table of faults.

    Raises:
        AssertionError: names the tables that differ.
    """
    assert set(found) == set(expected)
    differing = [name for name in expected if found[name] != expected[name]]
    assert differing == []
    return f"{len(expected)} tables equal by hash"
