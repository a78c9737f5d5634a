"""One run at a time on a home, and a dead holder holds nothing."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lakehouse.errors import LakehouseError
from lakehouse.runlock import hold
from lakehouse.settings import load_settings

if TYPE_CHECKING:
    from multiprocessing.queues import Queue
    from multiprocessing.synchronize import Barrier

HOLDER = """
import sys
from lakehouse.runlock import hold
from lakehouse.settings import load_settings
with hold(load_settings(home=sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def _holder(home: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_run_is_refused_with_the_pid_of_the_first(tmp_path: Path) -> None:
    holder = _holder(tmp_path)
    try:
        with pytest.raises(LakehouseError, match=f"pid {holder.pid}, started 20"), hold(load_settings(home=tmp_path)):
            pass
    finally:
        holder.kill()
        holder.wait()


def test_a_killed_run_leaves_no_lock_behind(tmp_path: Path) -> None:
    holder = _holder(tmp_path)
    holder.kill()
    holder.wait()
    with hold(load_settings(home=tmp_path)):
        assert str(os.getpid()) in (tmp_path / "run.lock").read_text()


def _race(home: Path, rounds: int, start: Barrier, end: Barrier, wins: Queue[int]) -> None:
    for number in range(rounds):
        start.wait()
        try:
            with hold(load_settings(home=home)):
                wins.put(number)
                end.wait()
        except LakehouseError:
            end.wait()


def test_of_two_processes_that_ask_at_the_same_moment_exactly_one_gets_the_home(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    rounds, wins = 100, context.Queue()
    start, end = context.Barrier(2, timeout=60), context.Barrier(2, timeout=60)
    racers = [context.Process(target=_race, args=(tmp_path, rounds, start, end, wins)) for _ in range(2)]
    for racer in racers:
        racer.start()
    won = [wins.get(timeout=60) for _ in range(rounds)]
    for racer in racers:
        racer.join(60)
    assert sorted(won) == list(range(rounds))
    assert wins.empty()
