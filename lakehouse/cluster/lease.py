"""One writer at a time among the pods of a cluster: a Kubernetes Lease, and an end to the writer that lost it.

Who holds the Lease renews it every `period`. Another takes it over when it saw no renewal for the whole `duration`, by
its own clock since its own first look: clocks of two nodes are never compared. A holder that could not renew is ended
at its `deadline`, well before: by the kernel's alarm clock, which needs no thread of ours to get its turn and which a
process that was stopped (SIGSTOP, a frozen container) meets before its next instruction. What a clock cannot tell, a
machine that slept as a whole, `confirm` asks of the API server before each step, each entry of the ledger and each
publication (docs/decisions/0026-one-writer-by-lease.md).
"""

from __future__ import annotations

import math
import os
import signal
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Protocol

from lakehouse.errors import LakehouseError

if TYPE_CHECKING:
    from kubernetes.client import V1Lease

RUN, COMMAND, USER = "lakehouse/run", "lakehouse/command", "lakehouse/submitted-by"
CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_BEFORE_THE_ALARM = 1.0


class Conflict(Exception):
    """Somebody else wrote the Lease in between."""


class Leases(Protocol):
    """Where the one Lease is kept."""

    def read(self) -> V1Lease | None: ...

    def create(self, lease: V1Lease) -> V1Lease:
        """Raises: Conflict: it is there."""

    def replace(self, lease: V1Lease) -> V1Lease:
        """Raises: Conflict: it is no more as it was read."""

    def has_ended(self, pod: str) -> bool:
        """Whether the kubelet vouches for the end of a pod's processes."""


@dataclass(frozen=True)
class Timing:
    """Seconds. The holder ends itself `duration - deadline` before anybody may take over."""

    duration: float = 45
    deadline: float = 30
    period: float = 5

    @classmethod
    def of(cls, seconds: float) -> Timing:
        """In the proportions of Kubernetes' own leader election (15, 10, 2)."""
        return cls(seconds, seconds * 2 / 3, seconds / 9)


@dataclass(frozen=True)
class Holder:
    """Who holds it: `identity` is of this one process, `pod/uuid`; the rest is for people."""

    identity: str
    run: str
    command: str
    user: str

    @classmethod
    def this_process(cls, user: str) -> Holder:
        pod = os.environ.get("HOSTNAME") or socket.gethostname()
        program, verb = os.path.basename(sys.argv[0]), next((word for word in sys.argv[1:] if word[0] != "-"), "")
        command = verb if program == "lakehouse" else f"{program} {verb}".strip()
        run = pod.rpartition("-")[0] if "KUBERNETES_SERVICE_HOST" in os.environ else pod  # a Job's: <job>-<5 letters>
        return cls(f"{pod}/{uuid.uuid4()}", run, command, user)


def boot_seconds() -> float:
    """Seconds that passed on this machine, those that it slept too."""
    return time.clock_gettime(CLOCK)


class Held:
    """The Lease while this process holds it; renewed in a thread until `release`."""

    def __init__(
        self, leases: Leases, lease: V1Lease, timing: Timing, asked_at: float, end: Callable[[str], None]
    ) -> None:
        self.transitions = int(lease.spec.lease_transitions or 0)
        self._leases = leases
        self._lease = lease
        self._timing = timing
        self._end = end
        self._identity = str(lease.spec.holder_identity)
        self._stop = threading.Event()
        self._trouble: Exception | None = None
        self._extend(asked_at)
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)
        self._thread.start()
        threading.Thread(target=self._watch, name="lease-watch", daemon=True).start()

    def confirm(self) -> None:
        """Ask the API server whether this process holds it still; while it does not answer, wait for it.

        Raises:
            LakehouseError: another took it over.
        """
        while True:
            try:
                now = self._leases.read()
                break
            except Exception as error:  # the alarm clock ends the waiting
                self._trouble = error
                time.sleep(self._timing.period / 5)
        if now is None or not self._is_ours(now):
            raise LakehouseError(_lost_to(now))

    def release(self) -> None:
        """Give it back: the next may have it at once. Call it when nothing of this process writes any more."""
        self._stop.set()
        _set_alarm(0)
        self._thread.join()
        with suppress(Exception):  # it expires by itself
            self._lease.spec.holder_identity = None
            self._leases.replace(self._lease)

    def _keep(self) -> None:
        while not self._stop.wait(self._timing.period):
            try:
                self._renew()
            except LakehouseError as error:
                self._end(str(error))
                return
            except Exception as error:
                self._trouble = error

    def _watch(self) -> None:
        """Tell why, shortly before the kernel ends the process without a word."""
        while not self._stop.wait(max(self._deadline - _BEFORE_THE_ALARM - boot_seconds(), 0.01)):
            if boot_seconds() >= self._deadline - _BEFORE_THE_ALARM:
                said = str(self._trouble or "no answer").splitlines()[0][:200]
                self._end(
                    f"the lease of the lakehouse could not be renewed for {self._timing.deadline:.0f} s ({said}), so "
                    "this run ended itself before another may begin; what was published stays as it was, the next run "
                    "continues"
                )
                return

    def _renew(self) -> None:
        """One renewal.

        Raises:
            LakehouseError: another took it over.
        """
        asked_at = boot_seconds()
        self._lease.spec.renew_time = datetime.now(timezone.utc)
        try:
            self._lease = self._leases.replace(self._lease)
        except Conflict:  # an answer of ours was lost, somebody changed a label, or it was taken over
            now = self._leases.read()
            if now is None or not self._is_ours(now):
                raise LakehouseError(_lost_to(now)) from None
            now.spec.renew_time = datetime.now(timezone.utc)
            self._lease = self._leases.replace(now)
        self._extend(asked_at)

    def _extend(self, asked_at: float) -> None:
        if not self._stop.is_set():
            self._deadline = asked_at + self._timing.deadline
            _set_alarm(max(self._deadline - boot_seconds(), 0.001))

    def _is_ours(self, lease: V1Lease) -> bool:
        spec = lease.spec
        return bool(spec.holder_identity == self._identity and int(spec.lease_transitions or 0) == self.transitions)


def acquire(
    leases: Leases,
    holder: Holder,
    timing: Timing,
    tell: Callable[[str], None] = lambda what: None,
    end: Callable[[str], None] | None = None,
) -> Held:
    """Hold the Lease, waiting no longer than it takes to tell a live holder from a dead one.

    Args:
        tell: told when it waits, and for whom.
        end: called with a sentence when the Lease is lost; by default ends this process.

    Raises:
        LakehouseError: another holds it and is alive; says who and since when.
    """
    seen: tuple[object, ...] | None = None
    seen_at = boot_seconds()
    while True:
        lease = leases.read()
        found = None if lease is None else _as_seen(lease)
        is_free = lease is None or not lease.spec.holder_identity
        if not is_free and seen is not None and found != seen:
            raise LakehouseError(_held_by(lease))
        watched = 0.0 if seen is None else boot_seconds() - seen_at
        if is_free or watched >= _duration(lease, timing) or leases.has_ended(_pod_of(lease)):
            asked_at = boot_seconds()
            try:
                if lease is None:
                    taken = leases.create(_new(holder, timing))
                else:
                    taken = leases.replace(_taken(lease, holder, timing))
                return Held(leases, taken, timing, asked_at, end or end_process)
            except Conflict:  # a race was lost: the next look shows to whom
                seen, seen_at = found or ("nobody",), boot_seconds()
                continue
        if seen is None:
            seen, seen_at = found, boot_seconds()
            tell(f"{_held_by(lease, 'may hold')}; heard of for {_duration(lease, timing):.0f} s no more, it is dead")
        time.sleep(timing.period / 4)


def _duration(lease: V1Lease, timing: Timing) -> float:
    """The holder's own duration binds: it may be configured otherwise than this process is."""
    return float(max(lease.spec.lease_duration_seconds or 0, timing.duration))


def _pod_of(lease: V1Lease) -> str:
    return str(lease.spec.holder_identity).partition("/")[0]


def _as_seen(lease: V1Lease) -> tuple[object, ...]:
    spec = lease.spec
    return spec.holder_identity, spec.renew_time, spec.lease_transitions


def _new(holder: Holder, timing: Timing) -> V1Lease:
    from kubernetes.client import V1Lease, V1LeaseSpec, V1ObjectMeta

    return _taken(V1Lease(metadata=V1ObjectMeta(), spec=V1LeaseSpec(lease_transitions=0)), holder, timing)


def _taken(lease: V1Lease, holder: Holder, timing: Timing) -> V1Lease:
    now = datetime.now(timezone.utc)
    spec = lease.spec
    spec.holder_identity = holder.identity
    spec.lease_duration_seconds = math.ceil(timing.duration)
    spec.acquire_time = spec.renew_time = now
    spec.lease_transitions = int(spec.lease_transitions or 0) + 1
    told = {RUN: holder.run, COMMAND: holder.command, USER: holder.user}
    lease.metadata.annotations = {**(lease.metadata.annotations or {}), **told}
    return lease


def _held_by(lease: Any, verb: str = "works on") -> str:
    spec, notes = lease.spec, lease.metadata.annotations or {}
    since = (
        spec.acquire_time.astimezone(timezone.utc).isoformat(timespec="seconds") if spec.acquire_time else "just now"
    )
    run = notes.get(RUN) or _pod_of(lease)
    by = f" of {notes[USER]}" if notes.get(USER) else ""
    ending = f"; wait for it, or end it with `lakehouse cancel {run}`" if verb == "works on" else ""
    return f"another run {verb} this lakehouse: {run} ({notes.get(COMMAND, 'run')}){by}, since {since}{ending}"


def _lost_to(lease: V1Lease | None) -> str:
    to = "it was deleted" if lease is None or not lease.spec.holder_identity else _held_by(lease, "now holds")
    return (
        f"this run lost the lease of the lakehouse ({to}), so it ended; what was published stays as it was, the next "
        "run continues"
    )


def _set_alarm(seconds: float) -> None:
    """Have the kernel end this process then (0: never), unless somebody handles the signal."""
    if hasattr(signal, "setitimer") and signal.getsignal(signal.SIGALRM) == signal.SIG_DFL:
        signal.setitimer(signal.ITIMER_REAL, seconds)


def end_process(sentence: str) -> None:
    """End this process and its children (Java commits too) without any farewell that could write."""
    import psutil

    with suppress(Exception):
        os.write(2, f"error: {sentence}\n".encode())
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            child.kill()
    os._exit(1)


_held: Held | None = None


@contextmanager
def holding(held: Held) -> Iterator[Held]:
    """What this process holds, for `confirm_held`; given back where the block ends by itself or by an error.

    Where it is broken off (Ctrl-C, an exit), threads may write yet: then it is left to expire with the process.
    """
    global _held
    _held = held
    try:
        yield held
    except Exception:
        held.release()
        _held = None
        raise
    held.release()
    _held = None


def confirm_held() -> None:
    """Ask whether this process may write; at once where no Lease is in use.

    Raises:
        LakehouseError: another took the Lease over.
    """
    if _held is not None:
        _held.confirm()
