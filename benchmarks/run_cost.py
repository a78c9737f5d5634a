"""CPU seconds, wall seconds and memory of every step of the main job, first run and second run, in a fresh home.

python benchmarks/run_cost.py [--customers N] [--days D] [--source FILE] [--json]
python benchmarks/run_cost.py --home HOME --source FILE    one run of this home, as JSON
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

from lakehouse.cli.run import sample_source
from lakehouse.pipeline import Progress, Run, StepResult, main_job
from lakehouse.settings import load_settings
from lakehouse.sources import load_source


def cpu_and_memory() -> tuple[float, float, int]:
    """CPU seconds of Python, CPU seconds of the JVM, resident bytes of both (pages that two share count once)."""
    own = psutil.Process()
    python, java, resident = sum(own.cpu_times()[:2]), 0.0, own.memory_full_info().pss
    for child in own.children(recursive=True):
        try:
            used, bytes_held = sum(child.cpu_times()[:2]), child.memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
        if child.name() == "java":
            java += used
        else:
            python += used
        resident += bytes_held
    return python, java, resident


class Meter(Progress):
    """Measures each step, and watches memory all along."""

    def __init__(self) -> None:
        self.rows: list[dict[str, object]] = []
        self.peak = 0
        self._stop = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while not self._stop.wait(0.5):
            self.peak = max(self.peak, cpu_and_memory()[2])

    def started(self, step: str, title: str) -> None:
        self._before = (time.perf_counter(), *cpu_and_memory()[:2])

    def ended(self, step: str, result: StepResult, seconds: float) -> None:
        wall, python, java = self._before
        now_python, now_java, _ = cpu_and_memory()
        self.rows.append(
            {
                "step": step,
                "wall_s": round(time.perf_counter() - wall, 1),
                "python_cpu_s": round(now_python - python, 1),
                "java_cpu_s": round(now_java - java, 1),
                "what": result.message,
            }
        )

    def stop(self) -> None:
        self._stop.set()


def measure(customers: int, days: int, source: Path | None) -> dict[str, object]:
    """Both runs' costs: the first in this process, the second as a person's command."""
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(home=Path(folder) / "home", sample_customers=customers, sample_days=days)
        chosen = load_source(source or sample_source(settings))
        meter = Meter()
        started = time.perf_counter()
        main_job(Run(settings, [chosen], None, meter))
        first = time.perf_counter() - started
        meter.stop()
        started = time.perf_counter()
        command = [sys.executable, "-m", "lakehouse", "run"]
        environment = {**os.environ, "LAKEHOUSE_HOME": str(settings.home)}
        subprocess.run(command, env=environment, check=True, capture_output=True)
        second = time.perf_counter() - started
        return {
            "steps": meter.rows,
            "first_run_wall_s": round(first, 1),
            "second_run_wall_s": round(second, 1),
            "peak_resident_mib": meter.peak >> 20,
        }


def measure_one(home: Path, source: Path) -> dict[str, object]:
    """What the next run of a home costs, in this process."""
    meter = Meter()
    started = time.perf_counter()
    main_job(Run(load_settings(home=home), [load_source(source)], None, meter))
    python, java, _ = cpu_and_memory()  # since the process began: what it imports is part of the price
    meter.stop()
    return {
        "steps": meter.rows,
        "cpu_s": round(python + java, 1),
        "wall_s": round(time.perf_counter() - started, 1),
        "peak_resident_mib": meter.peak >> 20,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=2500)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--source", type=Path)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if given.home is not None:
        print(json.dumps(measure_one(given.home, given.source)))
        return
    costs = measure(given.customers, given.days, given.source)
    if given.json:
        print(json.dumps(costs, indent=1))
        return
    print(f"{'step':<18}{'wall s':>8}{'Python CPU s':>14}{'JVM CPU s':>11}  what")
    steps = costs["steps"]
    assert isinstance(steps, list)
    for row in steps:
        print(f"{row['step']:<18}{row['wall_s']:>8}{row['python_cpu_s']:>14}{row['java_cpu_s']:>11}  {row['what']}")
    python, java = (sum(row[name] for row in steps) for name in ("python_cpu_s", "java_cpu_s"))
    print(f"{'sum':<18}{costs['first_run_wall_s']:>8}{python:>14.1f}{java:>11.1f}")
    print(f"second run, nothing new: {costs['second_run_wall_s']} s; peak memory {costs['peak_resident_mib']} MiB")


if __name__ == "__main__":
    main()
