"""What a run on the cluster takes at three sizes and by both engines: minutes, CPU seconds, memory of its pods.

    python benchmarks/cluster_sizes.py [--namespace NAME] [--customers N N N] [--engines spark sail]

For a release that is installed and idle on the cluster of the current kubeconfig (`TEST_KEEP=yes make test-cluster`
leaves one). Each run has tables and a home of its own and generates its sample on the cluster. Memory and CPU are the
kubelets' own counts, asked every few seconds: a shorter peak is missed, and what a pod used in its last seconds.
"""

from __future__ import annotations

import argparse
import json
import math
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from lakehouse.progress_lines import MARK, event_of
from tests.cluster.faults.lanes import Lane, Submitted
from tests.cluster.installation import Failed, Installation

SECONDS_BETWEEN = 3.0
MIB = 2**20


@dataclass(eq=False)
class Pods(threading.Thread):
    """The pods of a run as the kubelets count them: by pod, CPU seconds so far and the most memory at a time."""

    installed: Installation
    run_name: str
    cpu_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    peak_mib: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def __post_init__(self) -> None:
        super().__init__(daemon=True)
        self._over = threading.Event()
        nodes = json.loads(self.installed.kubectl("get", "nodes", "--output=json"))["items"]
        self._nodes = [node["metadata"]["name"] for node in nodes]

    def stop(self) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        while not self._over.wait(SECONDS_BETWEEN):
            for node in self._nodes:
                try:
                    told = self.installed.kubectl("get", "--raw", f"/api/v1/nodes/{node}/proxy/stats/summary")
                except Failed:
                    continue  # a node that is busy is asked again
                for pod in json.loads(told).get("pods", []):
                    self._look(pod)

    def _look(self, pod: dict[str, Any]) -> None:
        name = pod["podRef"]["name"]
        if not name.startswith(self.run_name):
            return
        kind = "executor" if "-exec-" in name else "driver"
        key = f"{kind} {name}"
        self.cpu_s[key] = max(self.cpu_s[key], pod.get("cpu", {}).get("usageCoreNanoSeconds", 0) / 1e9)
        self.peak_mib[key] = max(self.peak_mib[key], pod.get("memory", {}).get("workingSetBytes", 0) / MIB)

    def cpu_of(self, kind: str) -> float:
        return sum(seconds for key, seconds in self.cpu_s.items() if key.startswith(kind))

    def peak_of(self, kind: str) -> float:
        return max((mib for key, mib in self.peak_mib.items() if key.startswith(kind)), default=0.0)


@dataclass(frozen=True)
class Size:
    """One run: its rows of bronze, its seconds (all, and by step), its pods."""

    customers: int
    engine: str
    rows: int
    seconds: float
    steps: dict[str, float]
    driver_cpu_s: float
    executors_cpu_s: float
    driver_mib: float
    executor_mib: float

    def line(self) -> str:
        executors = f"{self.executors_cpu_s:.0f} / {self.executor_mib:,.0f}" if self.executors_cpu_s else "none"
        return (
            f"| {self.engine} | {self.customers:,} | {self.rows:,} | {self.seconds / 60:.1f} | "
            f"{self.driver_cpu_s:.0f} / {self.driver_mib:,.0f} | {executors} |"
        )


def measure(installed: Installation, customers: int, engine: str) -> Size:
    """A run over a sample of so many customers, from nothing.

    Raises:
        SystemExit: it failed; with what it said.
    """
    own = {"LAKEHOUSE_SAMPLE_CUSTOMERS": str(customers), "LAKEHOUSE_SAMPLE_DAYS": "365", "LAKEHOUSE_ENGINE": engine}
    lane = Lane(installed, f"size-{engine}-{customers}", own).begin_anew()
    started = time.monotonic()
    submitted = lane.submit()
    pods = Pods(installed, submitted.run)
    pods.start()
    code = submitted.end(4 * 3600)
    seconds = time.monotonic() - started
    pods.stop()
    if code:
        raise SystemExit(f"{customers:,} customers by {engine}: exit code {code}\n{submitted.said()[-3000:]}")
    steps, rows = told_by(submitted)
    return Size(
        customers,
        engine,
        rows,
        seconds,
        steps,
        pods.cpu_of("driver"),
        pods.cpu_of("executor"),
        pods.peak_of("driver"),
        pods.peak_of("executor"),
    )


def told_by(submitted: Submitted) -> tuple[dict[str, float], int]:
    """Seconds of each step, and the rows that were landed."""
    steps: dict[str, float] = {}
    rows = 0
    for line in submitted.log().splitlines():
        event = event_of(line)
        if event is not None and event[MARK] == "ended":
            steps[event["step"]] = event["seconds"]
        if event is not None and event[MARK] == "summary":
            rows = sum(event["summary"]["rows"]["bronze"].values())
    return steps, rows


def exponent(sizes: list[Size]) -> float:
    """Of rows, by which a run's seconds grow, from the smallest to the largest."""
    small, large = min(sizes, key=lambda size: size.rows), max(sizes, key=lambda size: size.rows)
    return math.log(large.seconds / small.seconds) / math.log(large.rows / small.rows)


def table(sizes: list[Size]) -> str:
    lines = [
        "| engine | customers | rows landed | minutes | driver: CPU s / MiB | executors: CPU s / MiB of one |",
        "|---|---|---|---|---|---|",
        *(size.line() for size in sizes),
        "",
    ]
    for engine in dict.fromkeys(size.engine for size in sizes):
        own = [size for size in sizes if size.engine == engine]
        if len(own) > 1:
            lines.append(f"By {engine} the minutes grow with rows ^ {exponent(own):.2f}.")
            largest = max(own, key=lambda size: size.rows)
            dear = sorted(largest.steps.items(), key=lambda step: -step[1])[:5]
            told = ", ".join(f"{step} {seconds:.0f}" for step, seconds in dear)
            lines.append(f"Seconds of its longest steps at {largest.customers:,} customers: {told}.\n")
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--namespace", default="lakehouse-test")
    parser.add_argument("--customers", type=int, nargs="+", default=[1000, 2500, 6250])
    parser.add_argument("--engines", nargs="+", default=["spark", "sail"], choices=["spark", "sail"])
    given = parser.parse_args()
    installed = Installation(given.namespace)
    sizes = []
    for engine in given.engines:
        for customers in given.customers:
            sizes.append(measure(installed, customers, engine))
            print(sizes[-1].line(), flush=True)
    print(table(sizes))


if __name__ == "__main__":
    main()
