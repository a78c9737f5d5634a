"""Files that no other process and no later one needs: a folder for each process, of the home where no other is set."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from socket import gethostname

from lakehouse.settings import Settings


def scratch_folder(settings: Settings) -> Path:
    """This process's folder; a home may be shared by machines."""
    return (settings.scratch_dir or settings.home / "spark-tmp") / f"{gethostname()}-{os.getpid()}"


_renewed: set[Path] = set()


def renew_scratch_folder(settings: Settings) -> None:
    """Make it, empty, and remove those of this machine's ended processes: a killed one leaves gigabytes behind.

    Once a process: Spark and Sail keep their files there beside each other.
    """
    own = scratch_folder(settings)
    if own in _renewed:
        return
    _renewed.add(own)
    for folder in own.parent.glob("*"):
        host, _, pid = folder.name.rpartition("-")
        if folder == own or (host == gethostname() and pid.isdecimal() and not _is_running(int(pid))):
            shutil.rmtree(folder, ignore_errors=True)
    own.mkdir(parents=True, exist_ok=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it runs, and is somebody else's
    return True
