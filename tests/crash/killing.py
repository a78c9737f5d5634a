"""Runs killed at random moments until they are through: what they leave must be what an undisturbed run leaves."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

LAKEHOUSE = [sys.executable, "-m", "lakehouse"]

COUNTED = ("model_version", "challenger_version", "champion_version")
"""Count the trainings of a home: a kill between a model's registration and its mark is one training more."""


@dataclass(frozen=True)
class Kill:
    """Who was killed, how long after the run began, and what the run then said (empty when it was the run itself)."""

    victim: str
    after_s: float
    said: str


def begin(home: Path, source: Path, log: Path) -> subprocess.Popen[bytes]:
    """`lakehouse run` as a person's command, in a process group of its own."""
    environment = {**os.environ, "LAKEHOUSE_HOME": str(home), "LAKEHOUSE_SPARK_MASTER": "local[2]"}
    with open(log, "wb") as out:
        return subprocess.Popen(
            [*LAKEHOUSE, "run", "--source", str(source)],
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def run_to_the_end(home: Path, source: Path, log: Path) -> float:
    """An undisturbed run; the seconds that it took."""
    started = time.monotonic()
    code = begin(home, source, log).wait()
    if code != 0:
        raise AssertionError(f"the run ended with {code}: {log.read_text(errors='replace')[-2000:]}")
    return time.monotonic() - started


def kill_at(home: Path, source: Path, log: Path, after_s: float, victim: str) -> Kill | None:
    """Begin a run and kill it (`run`), or the Java that it started (`java`), after so many seconds.

    Returns:
        What happened; None if the run had ended by itself before, as it must, without a fault.
    """
    running = begin(home, source, log)
    with suppress(subprocess.TimeoutExpired):
        running.wait(after_s)
    if running.poll() is not None:
        if running.returncode != 0:
            raise AssertionError(f"a run that nobody killed failed: {log.read_text(errors='replace')[-2000:]}")
        return None
    java = [child for child in psutil.Process(running.pid).children(recursive=True) if child.name() == "java"]
    if victim == "java" and java:
        with suppress(psutil.NoSuchProcess):
            java[0].kill()
        code, said = running.wait(120), log.read_text(errors="replace")
        if code == 0:
            return None  # the last step needs no Java
        if code != 1 or "Traceback" in said:
            raise AssertionError(f"Java was killed and the run ended with {code}: {said[-2000:]}")
        return Kill("java", after_s, said.splitlines()[-1])
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    for child in java:
        with suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
            child.wait(60)  # Java ends when its Python is gone; the next run would find its files half-way else
    return Kill("run", after_s, "")


def killed_often(home: Path, source: Path, logs: Path, kills: int, longest_s: float, seed: int) -> list[Kill]:
    """Kill runs on one home at random moments, `kills` times or until one gets through.

    Args:
        longest_s: kills come at most so long after a run began.
    """
    draw = random.Random(seed)
    done: list[Kill] = []
    while len(done) < kills:
        log = logs / f"killed-{len(done)}.log"
        kill = kill_at(home, source, log, draw.uniform(0, longest_s), draw.choice(["run", "run", "java"]))
        if kill is None:
            break
        done.append(kill)
    return done
