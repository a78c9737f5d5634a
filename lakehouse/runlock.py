"""One writer at a time on a home: a lock that the operating system releases when its holder dies.

It is what keeps two processes from both believing that they wrote one version of a table: on a local disk Spark's log
store looks whether a commit file is there and then writes it, which two processes can do at once.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import IO

from lakehouse.errors import LakehouseError


@contextmanager
def hold(home: Path) -> Iterator[None]:
    """Hold the home's lock for the time of a run.

    Raises:
        LakehouseError: another process holds it; names its pid and start.
    """
    with acquire(home):
        yield


def acquire(home: Path) -> IO[str]:
    """Take the home's lock; it is held until the file that is returned is closed, or the process ends.

    Raises:
        LakehouseError: see `hold`.
    """
    home.mkdir(parents=True, exist_ok=True)
    lock = open(home / "run.lock", "a+", encoding="utf-8")  # noqa: SIM115 - who asks for it holds it
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = json.loads(lock.read() or "{}")
        lock.close()
        raise LakehouseError(
            f"another run works on {home}: pid {holder.get('pid', 'unknown')}, started "
            f"{holder.get('started_at', 'just now')}; wait for it, or give this run a home of its own "
            "with LAKEHOUSE_HOME"
        ) from None
    lock.truncate(0)
    started_at = datetime.now(timezone.utc).isoformat(timespec="seconds")
    lock.write(json.dumps({"pid": os.getpid(), "started_at": started_at}))
    lock.flush()
    return lock
