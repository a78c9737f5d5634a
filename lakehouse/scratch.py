"""Files that no other process and no later one needs: a folder of the home for each process that works on it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from lakehouse.settings import Settings


def scratch_folder(settings: Settings) -> Path:
    """This process's folder."""
    return settings.home / "spark-tmp" / str(os.getpid())


def renew_scratch_folder(settings: Settings) -> None:
    """Make it, empty, and remove those of processes that have ended: one that was killed leaves gigabytes behind."""
    own = scratch_folder(settings)
    for folder in own.parent.glob("*"):
        if folder == own or not _is_of_a_running_process(folder):
            shutil.rmtree(folder, ignore_errors=True)
    own.mkdir(parents=True)


def _is_of_a_running_process(folder: Path) -> bool:
    try:
        os.kill(int(folder.name), 0)
    except (ValueError, ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # somebody else's
        return True
    return True
