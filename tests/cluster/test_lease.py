"""One writer at a time, by a real API server: never two winners, and nothing written by who was paused too long.

A failure here means that two runs may commit to one table at once.
"""

from __future__ import annotations

import multiprocessing
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lakehouse.cluster.connection import Cluster, connect
from lakehouse.cluster.kept_lease import KeptLease
from lakehouse.cluster.lease import Holder, Timing, acquire, boot_seconds
from lakehouse.errors import LakehouseError
from lakehouse.settings import load_settings
from tests.cluster.holding import LEASE
from tests.cluster.namespace import fresh_namespace

if TYPE_CHECKING:
    from multiprocessing.synchronize import Barrier

ROUNDS = 50
PAUSES = 5
SECONDS = 6.0
"""Of a lease; its holder has 4 to renew, which a busy machine needs."""
WRITTEN = 5_000
"""Bytes that a holder has written before anything is done to it: more than a hundred lines."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with fresh_namespace("lease") as made:
        yield made


@pytest.fixture(autouse=True)
def _no_lease_yet(cluster: Cluster) -> None:
    with suppress(Exception):
        cluster.coordination.delete_namespaced_lease(LEASE, cluster.namespace)


def _ask(namespace: str, name: str, rounds: int, start: Barrier, end: Barrier, told: Any) -> None:
    leases = KeptLease(connect(load_settings(namespace=namespace)), LEASE)
    for number in range(rounds):
        start.wait()
        try:
            held = acquire(leases, Holder(f"{name}/{number}", name, "run", "a test"), Timing.of(45))
        except LakehouseError as error:
            told.put((number, name, str(error)))
            end.wait()
        else:
            told.put((number, name, held.transitions))
            end.wait()
            held.release()
        start.wait()  # the lease is given back


def test_of_two_that_ask_at_the_same_moment_exactly_one_holds(cluster: Cluster) -> None:
    context = multiprocessing.get_context("spawn")
    told, start, end = context.Queue(), context.Barrier(2, timeout=600), context.Barrier(2, timeout=600)
    names = ("ann", "bob")
    askers = [context.Process(target=_ask, args=(cluster.namespace, name, ROUNDS, start, end, told)) for name in names]
    for asker in askers:
        asker.start()
    answers = [told.get(timeout=300) for _ in range(2 * ROUNDS)]
    for asker in askers:
        asker.join(60)
    winners = {number: name for number, name, answer in answers if isinstance(answer, int)}
    refusals = {number: (name, answer) for number, name, answer in answers if isinstance(answer, str)}
    assert len(winners) == len(refusals) == ROUNDS
    for number, (loser, sentence) in refusals.items():
        assert loser != winners[number]
        assert f"another run works on this lakehouse: {winners[number]} (run) of a test, since 20" in sentence
    assert sorted(answer for _, _, answer in answers if isinstance(answer, int)) == list(range(1, ROUNDS + 1))
    print(
        f"\n{ROUNDS} rounds, won by {names[0]}: {sum(name == names[0] for name in winners.values())}, by nobody twice"
    )


def start_holder(cluster: Cluster, file: Path, server: str = "") -> subprocess.Popen[str]:
    """A process that holds the lease, and has begun to write."""
    command = [sys.executable, "-m", "tests.cluster.holding", cluster.namespace, str(SECONDS), str(file), server]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n", holder.communicate()[1]
    while file.stat().st_size < WRITTEN:
        assert holder.poll() is None
        time.sleep(0.01)
    return holder


def take_over(cluster: Cluster, file: Path) -> float:
    """Wait for the lease, say so in the file, and give it back; the seconds it took."""
    begun = boot_seconds()
    held = acquire(KeptLease(cluster, LEASE), Holder("next/1", "next", "run", "a test"), Timing.of(SECONDS))
    took = boot_seconds() - begun
    with open(file, "a", encoding="utf-8") as out:
        out.write(f"next {boot_seconds():.6f}\n")
    held.release()
    return took


def writers_after_the_next(file: Path) -> set[str]:
    """Who wrote after the lease was taken over."""
    told = file.read_text(encoding="utf-8").splitlines()
    assert len(told) > 100
    return {line.split()[0] for line in told[next(n for n, line in enumerate(told) if line.startswith("next")) :]}


def test_a_holder_that_was_paused_past_its_lease_writes_nothing_more(cluster: Cluster, tmp_path: Path) -> None:
    for number in range(PAUSES):
        file = tmp_path / f"written-{number}"
        holder = start_holder(cluster, file)
        holder.send_signal(signal.SIGSTOP)
        took = take_over(cluster, file)
        size = file.stat().st_size
        holder.send_signal(signal.SIGCONT)
        assert holder.wait(30) == -signal.SIGALRM
        assert writers_after_the_next(file) == {"next"}
        assert file.stat().st_size == size
        assert took >= SECONDS
        print(f"\npause {number}: taken over after {took:.1f} s, {size:,} bytes before, none after", end="")


def test_a_holder_that_was_paused_for_less_goes_on(cluster: Cluster, tmp_path: Path) -> None:
    holder = start_holder(cluster, tmp_path / "written")
    holder.send_signal(signal.SIGSTOP)
    time.sleep(1)
    holder.send_signal(signal.SIGCONT)
    with pytest.raises(LakehouseError, match=f"another run works on this lakehouse: pid-{holder.pid}"):
        take_over(cluster, tmp_path / "written")
    assert holder.communicate("", timeout=60) == ("", "")
    assert holder.returncode == 0


def test_a_killed_holder_is_followed_when_nothing_was_heard_of_it_for_long_enough(
    cluster: Cluster, tmp_path: Path
) -> None:
    holder = start_holder(cluster, tmp_path / "written")
    holder.kill()
    holder.wait()
    took = take_over(cluster, tmp_path / "written")
    assert took >= SECONDS
    print(f"\nfollowed {took:.1f} s after its kill", end="")


class Cable:
    """A way to the API server that can be pulled out: what is sent then gets no answer."""

    def __init__(self, server: str) -> None:
        host, _, port = server.partition("://")[2].rstrip("/").partition(":")
        self._to = (host, int(port or 443))
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listening.getsockname()[1]}"
        self._is_out = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def pull(self) -> None:
        self._is_out.set()

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        with near, socket.create_connection(self._to) as far, suppress(OSError):
            while True:
                readable, _, _ = select.select([near, far], [], [], 1)
                for one in readable:
                    sent = one.recv(65536)
                    if not sent:
                        return
                    while self._is_out.is_set():
                        time.sleep(0.1)
                    (far if one is near else near).sendall(sent)


def test_a_holder_whose_network_is_cut_ends_itself_before_another_may_begin(cluster: Cluster, tmp_path: Path) -> None:
    file, cable = tmp_path / "written", Cable(cluster.server)
    holder = start_holder(cluster, file, cable.address)
    cable.pull()
    time.sleep(1)  # what was under way has arrived
    took = take_over(cluster, file)
    assert holder.poll() in (1, -signal.SIGALRM)  # it had ended by then
    assert writers_after_the_next(file) == {"next"}
    told = file.read_text(encoding="utf-8").splitlines()
    ended, begun = (float(line.split()[1]) for line in told[-2:])
    assert begun - ended > 0.5
    _, said = holder.communicate()
    if holder.returncode == 1:
        assert "error: the lease of the lakehouse could not be renewed for 4 s" in said
    print(f"\nended {begun - ended:.1f} s before the next began, {took:.1f} s after the cut", end="")
    cable.close()


def test_a_holder_ends_when_somebody_takes_its_lease_by_force(cluster: Cluster, tmp_path: Path) -> None:
    holder = start_holder(cluster, tmp_path / "written")
    leases = KeptLease(cluster, LEASE)
    while True:
        lease = leases.read()
        assert lease is not None
        lease.spec.holder_identity, lease.spec.lease_transitions = "thief/1", 9
        with suppress(Exception):
            leases.replace(lease)
            break
    assert holder.wait(30) in (1, -signal.SIGALRM)  # the kernel's alarm, where no thread of it got its turn before
    if holder.returncode == 1:
        assert "this run lost the lease of the lakehouse" in holder.communicate()[1]
