"""Java killed under a running command: one sentence, exit code 1, no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil

from lakehouse import ops
from lakehouse.settings import Settings

ENDLESS = "select count(distinct id % 1000003) from range(1000000000000)"


def java_at_work(command: psutil.Process) -> psutil.Process:
    """The command's Java process once it has computed for a while."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and command.status() != psutil.STATUS_ZOMBIE:
        for child in command.children(recursive=True):
            if child.name() == "java" and child.cpu_times().user > 10:
                return child
        time.sleep(0.5)
    raise AssertionError("Java did not get to work")


def test_a_killed_java_is_told_in_one_sentence(home_settings: Settings) -> None:
    ops.ensure_tables(home_settings)
    running = subprocess.Popen(
        [str(Path(sys.executable).with_name("lakehouse")), "sql", ENDLESS],
        env={**os.environ, "LAKEHOUSE_HOME": str(home_settings.home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    java_at_work(psutil.Process(running.pid)).kill()
    told, complained = running.communicate(timeout=60)
    assert running.returncode == 1
    assert told == ""
    assert complained.startswith("error: the Java process of Spark ended (killed, or out of memory")
    assert complained.count("\n") == 1
