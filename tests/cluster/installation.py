"""A release of the chart in a namespace of its own, from nothing; what each stage took is kept."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lakehouse.settings import CHECKOUT
from tests.cluster_programs import CHART, program

RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"
SMALL = {"sample_customers": 300, "sample_days": 120}
"""The sample of these tests: a run over it takes minutes on two cores."""


def reason_for_no_cluster() -> str | None:
    """Why there is no cluster to test on; None where there is one."""
    if program("helm") is None or program("kubectl") is None:
        return "no helm and kubectl: neither on the PATH nor below LAKEHOUSE_CLUSTER_DIR"
    asked = subprocess.run([*program("kubectl"), "get", "nodes"], capture_output=True, text=True)
    return f"no cluster answers: {asked.stderr.strip()[:200]}" if asked.returncode else None


class Failed(AssertionError):
    """A command did not end well; has what it said."""


class Installation:
    """The release `lakehouse` in a namespace; `stages` are the seconds of each stage so far."""

    release = "lakehouse"

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.stages: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self.stages[name] = time.monotonic() - started
        print(f"\n[{self.stages[name]:7.1f} s] {name}", flush=True)

    def helm(self, *arguments: str, seconds: float = 1800) -> str:
        return _said([*(program("helm") or ()), "--namespace", self.namespace, *arguments], seconds)

    def kubectl(self, *arguments: str, seconds: float = 600, given: str | None = None) -> str:
        return _said([*(program("kubectl") or ()), "--namespace", self.namespace, *arguments], seconds, given)

    def objects(self, kind: str, *arguments: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.kubectl("get", kind, "--output=json", *arguments))["items"]
        return found

    def pods(self, component: str) -> list[dict[str, Any]]:
        """Pods of a part."""
        return self.objects("pods", f"--selector=app.kubernetes.io/component={component}")

    def bring_images(self) -> None:
        """Build the images and bring them to the cluster as `make image` is told to (IMAGE_BUILD, IMAGE_LOAD, IMAGE).

        With TEST_IMAGES=there they are taken to be there.
        """
        if os.environ.get("TEST_IMAGES") != "there":
            with self.stage("images are built and brought to the cluster"):
                _said(["bash", "scripts/image/build.sh"], 3600)

    def install(self, values: dict[str, Any], chart: Path = CHART) -> None:
        """Into a fresh namespace that admits only pods that pass `restricted`; returns once all is ready."""
        self.make_namespace()
        self.upgrade(values, "install", chart)

    def make_namespace(self) -> None:
        """A fresh one, which admits only pods that pass `restricted`; what was there of the release is removed."""
        self.remove()
        _said([*(program("kubectl") or ()), "create", "namespace", self.namespace], 60)
        _said([*(program("kubectl") or ()), "label", "namespace", self.namespace, RESTRICTED], 60)

    def upgrade(self, values: dict[str, Any], verb: str = "upgrade", chart: Path = CHART) -> None:
        name = os.environ.get("IMAGE", "")
        registry = ["--set", f"images.registry={name.rpartition('/')[0]}"] if "/" in name else []
        given = ["--values", "-", *registry, "--wait", "--timeout", "25m"]
        command = [*(program("helm") or ()), "--namespace", self.namespace, verb, self.release, str(chart), *given]
        try:
            _said(command, 1600, json.dumps(values))
        except Failed as failed:
            raise Failed(f"{failed}\n{self.kubectl('get', 'pods', '--output=wide')}\n{self.troubles()}") from None

    def troubles(self) -> str:
        """What the cluster has to say of pods that are not well: the last warnings, and the log's end of each."""
        told = self.kubectl("get", "events", "--field-selector=type=Warning", "--sort-by=.lastTimestamp")
        lines = told.splitlines()[-25:]
        for pod in self.objects("pods"):
            states = pod["status"].get("containerStatuses", []) + pod["status"].get("initContainerStatuses", [])
            if pod["status"]["phase"] != "Succeeded" and any(not one["ready"] for one in states):
                name = pod["metadata"]["name"]
                lines.append(f"--- {name}")
                lines.append(self.kubectl("logs", name, "--all-containers", "--tail=20", "--ignore-errors"))
        return "\n".join(lines)

    def remove(self) -> None:
        """The release and its namespace, whatever is there of them."""
        subprocess.run(
            [*(program("helm") or ()), "--namespace", self.namespace, "uninstall", self.release, "--ignore-not-found"],
            capture_output=True,
        )
        _said([*(program("kubectl") or ()), "delete", "namespace", self.namespace, "--ignore-not-found"], 300)

    def run(self, name: str, seconds: float = 1800) -> dict[str, Any]:
        """Start the main job and wait for its end.

        Returns:
            The Job, as Kubernetes has it then.
        """
        self.kubectl("create", "job", name, f"--from=cronjob/{self.release}-run")
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            (job,) = [one for one in self.objects("jobs") if one["metadata"]["name"] == name]
            ended = {one["type"] for one in job["status"].get("conditions", []) if one["status"] == "True"}
            if ended & {"Complete", "Failed"}:
                return job
            time.sleep(3)
        raise Failed(f"{name} did not end within {seconds:.0f} s:\n{self.kubectl('logs', f'job/{name}', '--tail=50')}")


def _said(command: Sequence[str], seconds: float, given: str | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, input=given, cwd=CHECKOUT)
    if done.returncode:
        raise Failed(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout
