"""One writer at a time on a home: a lock that the operating system releases when its holder dies, or, among the pods of
a cluster, a Lease (`lakehouse/cluster/lease.py`).

It is what keeps two processes from both believing that they wrote one version of a table: on a local disk Spark's log
store looks whether a commit file is there and then writes it, which two processes can do at once.
"""

from __future__ import annotations

import fcntl
import getpass
import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import IO

from lakehouse.errors import LakehouseError
from lakehouse.settings import Settings


@contextmanager
def hold(settings: Settings, tell: Callable[[str], None] = lambda what: None) -> Iterator[None]:
    """Hold the home's lock for the time of a run.

    Args:
        tell: told when it has to wait until it is known whether another pod lives.

    Raises:
        LakehouseError: another process holds it; names its pid, or its run, and start.
    """
    with acquire(settings, tell):
        yield


def acquire(settings: Settings, tell: Callable[[str], None] = lambda what: None) -> ExitStack:
    """Take the home's lock; it is held until what is returned is closed, or the process ends.

    Raises:
        LakehouseError: see `hold`.
    """
    held = ExitStack()
    if settings.lease is None:
        held.enter_context(_locked(settings.home))
    else:  # a file lock of a network volume may outlive a pod whose node is lost, or not hold at all
        held.enter_context(_leased(settings, settings.lease, tell))
    return held


@contextmanager
def _leased(settings: Settings, name: str, tell: Callable[[str], None]) -> Iterator[None]:
    from lakehouse.cluster import lease
    from lakehouse.cluster.connection import connect, explained
    from lakehouse.cluster.kept_lease import KeptLease

    cluster = connect(settings)
    holder = lease.Holder.this_process(settings.submitted_by or _user())
    with explained(cluster, f"hold the lease {name}"):
        held = lease.acquire(KeptLease(cluster, name), holder, lease.Timing.of(settings.lease_seconds), tell)
    with lease.holding(held):
        yield


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name
        return str(os.getuid())


def _locked(home: Path) -> IO[str]:
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
