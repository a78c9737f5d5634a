"""Java killed under a running command, or out of memory: one sentence, exit code 1, no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

from lakehouse import ops
from lakehouse.settings import Settings

STARTING_PROGRAMS = """
import sys, threading, time
from pathlib import Path
from lakehouse.session import start_session
from lakehouse.settings import load_settings

runtime = start_session(load_settings(home=Path(sys.argv[1])))._jvm.java.lang.Runtime.getRuntime()
print("started", flush=True)
try:
    while True:
        runtime.exec("true").waitFor()
except Exception as error:
    print(type(error).__name__, flush=True)
"""
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
        env={**os.environ, "LAKEHOUSE_HOME": str(home_settings.home), "LAKEHOUSE_ENGINE": "spark", **environment},
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


def test_a_java_killed_while_it_starts_a_program_leaves_no_call_waiting(tmp_path: Path) -> None:
    """The helper that it starts programs by is stopped, as slow as can be: it holds Java's connections."""
    command = [sys.executable, "-c", STARTING_PROGRAMS, str(tmp_path / "home")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "started\n"
        java = next(child for child in psutil.Process(running.pid).children() if child.name() == "java")
        helper = stopped_helper(java)
        java.kill()
        try:
            told, _ = running.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            running.kill()
            raise
        finally:
            helper.kill()
    assert told.startswith("Py4J")


def stopped_helper(java: psutil.Process) -> psutil.Process:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for child in java.children():
            with suppress(psutil.NoSuchProcess):
                if child.name() == "jspawnhelper":
                    child.suspend()
                    if child.name() == "jspawnhelper" and child.status() == psutil.STATUS_STOPPED:
                        return child
                    child.resume()
    raise AssertionError("Java started no program")
