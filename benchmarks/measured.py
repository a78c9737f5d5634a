"""What a command costs: CPU seconds of its whole process tree, wall seconds, peak memory, bytes written."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Cost:
    """One command, run once.

    Args:
        cpu_s: user and system time of every process below it; those that outlive their parent are waited for.
        peak_mib: the most that they held at one time, looked at five times a second; shared pages count once.
        written_mib: by how much the files of the watched folder grew.
    """

    cpu_s: float
    wall_s: float
    peak_mib: float
    written_mib: float


class Ended(SystemExit):
    """A measured command failed; the message has what it wrote on its standard error."""


def measured(command: Sequence[str], watched: Path, env: dict[str, str] | None = None) -> Cost:
    """Run a command to its end.

    Raises:
        Ended: the command failed.
    """
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    before, files = resource.getrusage(resource.RUSAGE_CHILDREN), size_of(watched)
    started = time.perf_counter()
    running = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    memory = _Watch()
    _, said = running.communicate()
    wall = time.perf_counter() - started
    while True:  # orphans are ours now
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            break
    peak = memory.stop()
    if running.returncode:
        said = said.strip() or ("killed: out of memory?" if running.returncode == -signal.SIGKILL else "nothing said")
        raise Ended(f"{' '.join(command)} ended with {running.returncode}:\n{said[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(round(cpu, 2), round(wall, 2), round(peak / 2**20, 1), round((size_of(watched) - files) / 2**20, 1))


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


class _Watch:
    """Looks at the memory of all descendants of this process until it is stopped."""

    def __init__(self) -> None:
        self._peak = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        own = psutil.Process()
        while not self._stopped.wait(0.2):
            held = 0
            for process in own.children(recursive=True):
                try:
                    held += process.memory_full_info().pss
                except psutil.Error:
                    continue
            self._peak = max(self._peak, held)

    def stop(self) -> int:
        self._stopped.set()
        self._thread.join()
        return self._peak
