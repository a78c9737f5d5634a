"""Two executors against one on the cluster: wall seconds of silver and of gold's features by Spark.

    python benchmarks/cluster_executors.py [--namespace NAME] [--customers 100000] [--executors 1 2]

For a release that is installed and idle on the cluster of the current kubeconfig (`TEST_KEEP=yes make test-cluster`
leaves one). The sample is generated and landed once (100,000 customers have 5 million events); then, for each count of
executors in turn, both steps run from nothing in a process of their own in the run's pod (executors_in_pod.py).
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from tests.cluster.faults.lanes import Lane
from tests.cluster.installation import Installation

CODE = Path(__file__).with_name("executors_in_pod.py").read_text()
MARK = "MEASURED "


def measure(installed: Installation, customers: int, counts: list[int]) -> list[dict[str, Any]]:
    """What each count took, in its order.

    Raises:
        SystemExit: the pod failed; with what it said.
    """
    own = {
        "LAKEHOUSE_SAMPLE_CUSTOMERS": str(customers),
        "LAKEHOUSE_SAMPLE_DAYS": "365",
        "LAKEHOUSE_ENGINE": "spark",
        "LAKEHOUSE_SHUFFLE_PARTITIONS": "4",
        "MEASURED_CODE": CODE,
    }
    lane = Lane(installed, "executors", own)

    def asked(pod: dict[str, Any]) -> None:
        pod["containers"][0]["args"] = ["python", "-c", CODE, *map(str, counts)]

    lane.make(asked)
    job = lane.name
    installed.kubectl("create", "job", job, f"--from=cronjob/{lane.name}-run")
    while True:
        time.sleep(10)
        (found,) = [one for one in installed.objects("jobs") if one["metadata"]["name"] == job]
        if found.get("status", {}).get("failed"):
            raise SystemExit(installed.kubectl("logs", f"job/{job}", "--container=driver", "--tail=60"))
        if found.get("status", {}).get("succeeded"):
            said = installed.kubectl("logs", f"job/{job}", "--container=driver", "--tail=-1")
            return [json.loads(line.removeprefix(MARK)) for line in said.splitlines() if line.startswith(MARK)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--namespace", default="lakehouse-test")
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--executors", type=int, nargs="+", default=[1, 2])
    given = parser.parse_args()
    told = measure(Installation(given.namespace), given.customers, given.executors)
    first = told[0]["seconds"]
    for one in told:
        seconds = one["seconds"]
        times = ", ".join(
            f"{step} {seconds[step]:.0f} s ({first[step] / seconds[step]:.2f} x)" for step in ("silver", "features")
        )
        both, firsts = sum(seconds.values()), sum(first.values())
        print(f"{one['executors']} executors, {one['rows']:,} rows: {times}, both {both:.0f} s ({firsts / both:.2f} x)")
        busy = sum(one["busy"].values())
        print(f"  all nodes: {busy:.0f} CPU s, {busy / both:.2f} of {one['cores']} cores busy")
    most = sum(first.values()) * told[0]["cores"] / sum(told[0]["busy"].values())
    print(f"With every core of the machine at work all the time, the first would have been {most:.2f} times as fast")


if __name__ == "__main__":
    main()
