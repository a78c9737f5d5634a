"""One holder of a Lease at a time, told from a dead one by what is seen of it, never by a clock of another machine."""

from __future__ import annotations

import copy
import signal
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest
from kubernetes.client import V1Lease, V1LeaseSpec, V1ObjectMeta

from lakehouse.cluster.lease import Conflict, Held, Holder, Timing, acquire, confirm_held, holding
from lakehouse.errors import LakehouseError

QUICK = Timing(duration=0.9, deadline=0.6, period=0.1)


class Memory:
    """The Lease of an API server: a write must name the version that it saw."""

    def __init__(self) -> None:
        self.lease: V1Lease | None = None
        self.ended: set[str] = set()
        self.is_down = False
        self._lock = threading.Lock()

    def read(self) -> V1Lease | None:
        self._answer()
        return copy.deepcopy(self.lease)

    def create(self, lease: V1Lease) -> V1Lease:
        self._answer()
        with self._lock:
            if self.lease is not None:
                raise Conflict
            return self._put(lease, 1)

    def replace(self, lease: V1Lease) -> V1Lease:
        self._answer()
        with self._lock:
            if self.lease is None or self.lease.metadata.resource_version != lease.metadata.resource_version:
                raise Conflict
            return self._put(lease, int(self.lease.metadata.resource_version) + 1)

    def has_ended(self, pod: str) -> bool:
        return pod in self.ended

    def _put(self, lease: V1Lease, version: int) -> V1Lease:
        self.lease = copy.deepcopy(lease)
        self.lease.metadata.resource_version = str(version)
        return copy.deepcopy(self.lease)

    def _answer(self) -> None:
        if self.is_down:
            raise ConnectionError("no answer")


def holder(name: str) -> Holder:
    return Holder(f"{name}-abcde/{name}", f"lakehouse-{name}", "run", f"{name}@laptop")


def never(sentence: str) -> None:
    raise AssertionError(sentence)


@pytest.fixture(autouse=True)
def _no_alarm() -> Iterator[None]:
    """The alarm that ends a holder would end the tests; what it is set to is asked where it matters."""
    before = signal.signal(signal.SIGALRM, signal.SIG_IGN)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def left_by(name: str, renewed_at: datetime, transitions: int = 4) -> V1Lease:
    spec = V1LeaseSpec(
        holder_identity=f"{name}-abcde/{name}",
        acquire_time=datetime(2026, 11, 29, 8, tzinfo=timezone.utc),
        renew_time=renewed_at,
        lease_duration_seconds=1,
        lease_transitions=transitions,
    )
    notes = {"lakehouse/run": f"lakehouse-{name}", "lakehouse/submitted-by": f"{name}@laptop"}
    return V1Lease(metadata=V1ObjectMeta(name="lakehouse-run", resource_version="7", annotations=notes), spec=spec)


def test_the_second_is_refused_with_who_and_since_when() -> None:
    leases = Memory()
    first = acquire(leases, holder("ann"), QUICK, end=never)
    with pytest.raises(LakehouseError) as refused:
        acquire(leases, holder("bob"), QUICK, end=never)
    first.release()
    assert leases.lease is not None
    since = leases.lease.spec.acquire_time.isoformat(timespec="seconds")
    assert f"lakehouse-ann (run) of ann@laptop, since {since}" in str(refused.value)
    assert "`lakehouse cancel lakehouse-ann`" in str(refused.value)


def test_what_was_given_back_is_there_for_the_next_at_once() -> None:
    leases = Memory()
    acquire(leases, holder("ann"), QUICK, end=never).release()
    begun = time.monotonic()
    second = acquire(leases, holder("bob"), QUICK, end=never)
    assert time.monotonic() - begun < QUICK.duration
    assert second.transitions == 2
    second.release()


@pytest.mark.parametrize("hours", [-2, 0, 2], ids=["behind", "equal", "ahead"])
def test_a_dead_holder_is_waited_for_whatever_its_clock_said(hours: int) -> None:
    leases = Memory()
    leases.lease = left_by("ann", datetime.now(timezone.utc) + timedelta(hours=hours))
    said: list[str] = []
    begun = time.monotonic()
    held = acquire(leases, holder("bob"), QUICK, said.append, end=never)
    assert time.monotonic() - begun >= 1.0  # the holder's own duration, a second, is longer than ours
    assert held.transitions == 5
    assert said == [
        "another run may hold this lakehouse: lakehouse-ann (run) of ann@laptop, since 2026-11-29T08:00:00+00:00; "
        "heard of for 1 s no more, it is dead"
    ]
    held.release()


def test_a_holder_that_renews_is_alive_though_its_clock_is_hours_behind() -> None:
    leases = Memory()
    leases.lease = left_by("ann", datetime.now(timezone.utc) - timedelta(hours=3))

    def renew() -> None:
        time.sleep(0.2)
        assert leases.lease is not None
        leases.lease.spec.renew_time += timedelta(seconds=1)

    renewing = threading.Thread(target=renew)
    renewing.start()
    with pytest.raises(LakehouseError, match="another run works on this lakehouse: lakehouse-ann"):
        acquire(leases, holder("bob"), QUICK, end=never)
    renewing.join()


def test_who_changes_a_label_of_the_lease_does_not_make_its_holder_alive() -> None:
    leases = Memory()
    leases.lease = left_by("ann", datetime.now(timezone.utc))

    def label() -> None:
        for version in range(8, 14):
            time.sleep(0.1)
            assert leases.lease is not None
            leases.lease.metadata.resource_version = str(version)

    labelling = threading.Thread(target=label)
    labelling.start()
    acquire(leases, holder("bob"), QUICK, end=never).release()
    labelling.join()


def test_a_holder_whose_end_the_kubelet_vouches_for_is_not_waited_for() -> None:
    leases = Memory()
    leases.lease = left_by("ann", datetime.now(timezone.utc))
    leases.ended = {"ann-abcde"}
    begun = time.monotonic()
    acquire(leases, holder("bob"), QUICK, end=never).release()
    assert time.monotonic() - begun < QUICK.duration


def test_of_two_that_ask_at_the_same_moment_exactly_one_holds() -> None:
    for _ in range(50):
        leases, start = Memory(), threading.Barrier(2)
        won: list[Held] = []
        lost: list[str] = []

        def ask(name: str, leases: Memory = leases, start: threading.Barrier = start) -> None:
            start.wait()
            try:
                won.append(acquire(leases, holder(name), QUICK, end=never))  # noqa: B023
            except LakehouseError as error:
                lost.append(str(error))  # noqa: B023

        askers = [threading.Thread(target=ask, args=(name,)) for name in ("ann", "bob")]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()
        assert (len(won), len(lost)) == (1, 1)
        won[0].release()


def test_a_holder_that_cannot_renew_ends_well_before_another_may_take_over() -> None:
    leases = Memory()
    ended: list[tuple[float, str]] = []
    held = acquire(leases, holder("ann"), Timing(3.0, 2.0, 0.1), end=lambda why: ended.append((time.monotonic(), why)))
    time.sleep(0.3)
    leases.is_down, begun = True, time.monotonic()
    while not ended and time.monotonic() - begun < 9:
        time.sleep(0.02)
    (at, why), *_ = ended
    assert 0.7 < at - begun < 3.0
    assert why.startswith(
        "the lease of the lakehouse could not be renewed for 2 s (no answer), so this run ended itself"
    )
    leases.is_down = False
    held.release()


def test_a_short_silence_of_the_api_server_is_borne() -> None:
    leases = Memory()
    held = acquire(leases, holder("ann"), Timing(3.0, 2.0, 0.1), end=never)
    leases.is_down = True
    threading.Timer(0.5, lambda: setattr(leases, "is_down", False)).start()
    held.confirm()  # waits for the answer
    assert leases.is_down is False
    held.release()


def test_who_lost_the_lease_may_not_confirm_and_does_not_give_it_back() -> None:
    leases = Memory()
    held = acquire(leases, holder("ann"), Timing(9, 6, 5), end=never)
    leases.lease = left_by("bob", datetime.now(timezone.utc), transitions=2)
    with pytest.raises(LakehouseError, match=r"lost the lease .* now holds .* lakehouse-bob"), holding(held):
        confirm_held()
    assert leases.lease.spec.holder_identity == "bob-abcde/bob"


def test_who_lost_the_lease_is_ended_at_its_next_renewal() -> None:
    leases, ended = Memory(), threading.Event()
    acquire(leases, holder("ann"), QUICK, end=lambda why: ended.set())
    leases.lease = left_by("bob", datetime.now(timezone.utc), transitions=2)
    assert ended.wait(5)


def test_a_lease_that_was_taken_and_given_back_meanwhile_is_lost_too() -> None:
    leases = Memory()
    held = acquire(leases, holder("ann"), Timing(9, 6, 5), end=never)
    assert leases.lease is not None
    leases.lease.spec.lease_transitions += 2
    with pytest.raises(LakehouseError, match="lost the lease"):
        held.confirm()
    held.release()


def test_without_a_lease_anybody_may_write() -> None:
    confirm_held()


def test_a_run_that_is_broken_off_keeps_the_lease_until_its_process_is_gone() -> None:
    leases = Memory()
    held = acquire(leases, holder("ann"), QUICK, end=never)
    with pytest.raises(KeyboardInterrupt), holding(held):
        raise KeyboardInterrupt
    assert leases.lease is not None
    assert leases.lease.spec.holder_identity == "ann-abcde/ann"
    confirm_held()
    held.release()


def test_a_run_that_fails_gives_the_lease_back() -> None:
    leases = Memory()
    with pytest.raises(ValueError, match="x"), holding(acquire(leases, holder("ann"), QUICK, end=never)):
        raise ValueError("x")
    assert leases.lease is not None
    assert leases.lease.spec.holder_identity is None


def test_the_alarm_of_the_kernel_is_set_to_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    held = acquire(Memory(), holder("ann"), Timing(90, 60, 30), end=never)
    left, _ = signal.getitimer(signal.ITIMER_REAL)
    assert 59 < left <= 60
    held.release()
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
