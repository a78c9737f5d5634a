"""Java killed under a running command, or out of memory: one sentence, exit code 1, no traceback."""

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
TOO_LARGE = "select size(collect_list(repeat(cast(id as string), 1000))) from range(100000000)"


def java_at_work(command: psutil.Process) -> psutil.Process:
    """The command's Java process once it has computed for a while."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and command.status() != psutil.STATUS_ZOMBIE:
        for child in command.children(recursive=True):
            if child.name() == "java" and child.cpu_times().user > 10:
                return child
        time.sleep(0.5)
    raise AssertionError("Java did not get to work")


def begin(home_settings: Settings, statement: str, **environment: str) -> subprocess.Popen[str]:
    ops.ensure_tables(home_settings)
    return subprocess.Popen(
        [str(Path(sys.executable).with_name("lakehouse")), "sql", statement],
        env={**os.environ, "LAKEHOUSE_HOME": str(home_settings.home), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def assert_told(running: subprocess.Popen[str], within_s: float) -> None:
    told, complained = running.communicate(timeout=within_s)
    assert running.returncode == 1
    assert told == ""
    assert "error: the Java process of Spark ended (killed, or out of memory" in complained
    assert "Traceback" not in complained


def test_a_killed_java_is_told_in_one_sentence(home_settings: Settings) -> None:
    running = begin(home_settings, ENDLESS)
    java_at_work(psutil.Process(running.pid)).kill()
    assert_told(running, within_s=60)


def test_a_java_out_of_memory_ends_and_is_told(home_settings: Settings) -> None:
    assert_told(begin(home_settings, TOO_LARGE, LAKEHOUSE_DRIVER_MEMORY="512m"), within_s=180)
