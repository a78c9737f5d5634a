"""Following a run on a cluster: its steps as they go, on whatever screen there is, and how it ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lakehouse.cluster.connection import SECONDS, Cluster, Unreachable, explained
from lakehouse.cluster.pods import PodState, driver_of, end_of, state_of
from lakehouse.errors import InputError
from lakehouse.pipeline import Progress
from lakehouse.progress_lines import MARK, event_of, retell

if TYPE_CHECKING:
    from kubernetes.client import V1Job, V1Pod

QUIET_SECONDS = 60.0
"""A log that says nothing so long is asked for again: the connection may be dead."""
PATIENCE_SECONDS = 600.0
TELL_AFTER_SECONDS = 15.0
_OWN_EXITS = (1, 2, 3)
_ERROR = "error: "


@dataclass(frozen=True)
class Outcome:
    """How a run ended: its summary, or a sentence why there is none."""

    exit_code: int
    summary: dict[str, Any] | None = None
    sentence: str = ""
    never_began: bool = False


class Follower:
    """Follows one run."""

    def __init__(
        self,
        cluster: Cluster,
        run: str,
        progress: Progress,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._cluster = cluster
        self._run = run
        self._progress = progress
        self._clock = clock
        self._sleep = sleep
        self._pod = ""
        self._read_to = ""
        self._read_at: float | None = None
        self._summary: dict[str, Any] | None = None
        self._failed: dict[str, Any] | None = None
        self._error = ""
        self._waits_for = ""
        self._waits_since = 0.0
        self._told: set[str] = set()

    def follow(self) -> Outcome:
        """Tell what happens until the run has ended.

        Raises:
            InputError: the person may not look at it.
            Unreachable: the cluster did not answer for ten minutes.
        """
        silent_since: float | None = None
        while True:
            try:
                outcome = self._look()
                silent_since = None
            except Unreachable as error:
                silent_since = self._clock() if silent_since is None else silent_since
                if self._clock() - silent_since > PATIENCE_SECONDS:
                    raise
                self._wait(str(error))
                outcome = None
            if outcome is not None:
                return outcome
            self._sleep(1)

    def tell_log(self) -> None:
        """Tell what has happened so far.

        Raises:
            InputError: there is no such run, or the person may not look at it.
        """
        for pod in pods_of(self._cluster, self._run):
            self._begin(pod)
            self._tell(pod, follow=False)

    def _look(self) -> Outcome | None:
        job = read_job(self._cluster, self._run)
        if job is None:
            return Outcome(1, sentence=f"the run {self._run} was cancelled")
        pods = pods_of(self._cluster, self._run)
        ended = end_of(job)
        if not pods:
            if ended is not None:
                return self._outcome(ended, PodState("ended", ended[2]))
            self._wait("its sources are being uploaded" if job.spec.suspend else "the run's pod is being made")
            return None
        pod = pods[-1]
        state = state_of(pod)
        self._begin(pod)
        if state.phase == "waiting":
            if state.hopeless:
                return Outcome(2, sentence=state.sentence, never_began=True)
            self._wait(state.sentence)
            return None
        if state.sentence and state.phase == "running":
            self._wait(f"the pod {self._pod} ends: {state.sentence}")
        self._tell(pod, follow=state.phase == "running")
        if state.phase == "running":
            return None
        if ended is None:
            self._wait(f"the pod {self._pod} ended ({state.sentence or 'done'}); Kubernetes settles what comes next")
            return None
        return self._outcome(ended, state)

    def _begin(self, pod: V1Pod) -> None:
        """Turn to a pod; another one goes on where the earlier one ended."""
        name = str(pod.metadata.name)
        if name == self._pod:
            return
        if self._pod:
            self._progress.noted(f"{self._pod} ended; {name} takes the run up")
        self._pod, self._read_to, self._read_at = name, "", None
        self._summary = self._failed = None
        self._error = ""

    def _outcome(self, ended: tuple[bool, str, str], state: PodState) -> Outcome:
        succeeded, reason, message = ended
        if succeeded:
            return Outcome(0, self._summary, "" if self._summary else "its log, with the summary, is gone")
        by_itself = state.exit_code in _OWN_EXITS
        exit_code = int(state.exit_code or 1) if by_itself else 1
        if self._failed is not None and by_itself:
            return Outcome(exit_code, sentence=str(self._failed["sentence"]))
        if self._error and by_itself:
            return Outcome(exit_code, sentence=self._error)
        why = state.sentence or message or reason
        kept = "what was published stays as it was, the next run continues"
        return Outcome(exit_code, sentence=f"the run {self._run} ended in {self._pod or 'no pod'}: {why}; {kept}")

    def _wait(self, for_what: str) -> None:
        """Say on a terminal at once what is waited for; for good, once, when it lasts."""
        self._progress.waiting(for_what)
        now = self._clock()
        if for_what != self._waits_for:
            self._waits_for, self._waits_since = for_what, now
        if now - self._waits_since > TELL_AFTER_SECONDS and for_what not in self._told:
            self._told.add(for_what)
            self._progress.noted(f"waiting: {for_what}")

    def _tell(self, pod: V1Pod, follow: bool) -> None:
        """Tell the lines of a pod's log that have not been told."""
        for line in self._lines(pod, follow):
            when, _, text = line.partition(" ")
            if when > self._read_to:
                self._read_to, self._read_at = when, self._clock()
                self._say(text)

    def _say(self, line: str) -> None:
        event = event_of(line)
        if event is None:
            if line.startswith(_ERROR):
                self._error = line.removeprefix(_ERROR)
            elif self._failed is None and line.strip():
                self._progress.logged(line)
        elif event[MARK] == "summary":
            self._summary = event["summary"]
        elif event[MARK] == "failed":
            self._failed = event
        else:
            retell(event, self._progress)

    def _lines(self, pod: V1Pod, follow: bool) -> Iterator[str]:
        """Lines of the log, each after its time; ends with the log, or when it says nothing for long."""
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        since = None if self._read_at is None else int(self._clock() - self._read_at) + 10
        try:
            with explained(self._cluster, "read the log of the run"):
                try:
                    answer = self._cluster.core.read_namespaced_pod_log(
                        self._pod,
                        self._cluster.namespace,
                        container=driver_of(pod.spec).name,
                        follow=follow,
                        timestamps=True,
                        since_seconds=since,
                        _preload_content=False,
                        _request_timeout=(SECONDS[0], QUIET_SECONDS),
                    )
                except ApiException as error:
                    if error.status == 403:
                        raise
                    if error.status not in (400, 404):  # not begun yet, or gone
                        self._wait(f"the log of {self._pod} cannot be read from its node {pod.spec.node_name} now")
                    return
            yield from _split(answer.stream(decode_content=False), ends_whole=not follow)
        except HTTPError:
            return  # quiet for long, or cut off: asked for again from where it was


def _split(chunks: Iterator[bytes], ends_whole: bool) -> Iterator[str]:
    """The lines of a log; one without an end is none yet where more may come."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line.decode(errors="replace")
    if rest and ends_whole:
        yield rest.decode(errors="replace")


def read_job(cluster: Cluster, run: str) -> V1Job | None:
    """The Job of a run; None where there is none.

    Raises:
        InputError: the person may not look at it.
    """
    from kubernetes.client.exceptions import ApiException

    with explained(cluster, f"read the run {run}"):
        try:
            return cluster.batch.read_namespaced_job(run, cluster.namespace, _request_timeout=SECONDS)
        except ApiException as error:
            if error.status == 404:
                return None
            raise


def pods_of(cluster: Cluster, run: str) -> list[V1Pod]:
    """The pods of a run, oldest first: one, and another for each time that Kubernetes had to start it again."""
    with explained(cluster, f"read the pods of {run}"):
        found = cluster.core.list_namespaced_pod(
            cluster.namespace, label_selector=f"job-name={run}", _request_timeout=SECONDS
        )
    return sorted(found.items, key=lambda pod: (pod.metadata.creation_timestamp, pod.metadata.name))


def require_job(cluster: Cluster, run: str) -> V1Job:
    """The Job of a run.

    Raises:
        InputError: there is none of that name.
    """
    job = read_job(cluster, run)
    if job is None:
        raise InputError(f"there is no run {run!r} in namespace {cluster.namespace!r}; `lakehouse status` lists them")
    return job
