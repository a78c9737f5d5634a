"""A followed run is told once, whatever is cut off, and ends as the pod did."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.client import V1Pod
from kubernetes.client.exceptions import ApiException
from rich.console import Console
from urllib3.exceptions import ProtocolError

from lakehouse.cli.screen import ScreenProgress
from lakehouse.cluster.connection import Unreachable
from lakehouse.cluster.watch import PATIENCE_SECONDS, Follower, Outcome
from lakehouse.errors import InputError
from lakehouse.pipeline import StepResult
from lakehouse.progress_lines import ProgressLines
from tests.unit.cluster.models import condition, model

RUN = "lakehouse-run-1129-233005-ab12"


class Script:
    """A cluster that answers one look after another: each is a Job, its pods, and what the log of the newest gives."""

    def __init__(self, *looks: dict[str, Any]) -> None:
        self.looks = list(looks)
        self.since: list[int | None] = []
        self.namespace, self.release, self.server = "shop", "lakehouse", "https://cluster:6443"
        self.batch = SimpleNamespace(read_namespaced_job=self._job)
        self.core = SimpleNamespace(list_namespaced_pod=self._pods, read_namespaced_pod_log=self._log)
        self.seconds = 0.0

    def clock(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        if len(self.looks) > 1:
            self.looks.pop(0)

    def _job(self, *_: Any, **__: Any) -> Any:
        job = self.looks[0].get("job", {})
        if isinstance(job, Exception):
            raise job
        return model("V1Job", {"spec": {"template": {}}, "status": job})

    def _pods(self, *_: Any, **__: Any) -> Any:
        return SimpleNamespace(items=self.looks[0].get("pods", []))

    def _log(self, *_: Any, since_seconds: int | None, **__: Any) -> Any:
        self.since.append(since_seconds)
        log = self.looks[0].get("log", [])
        if isinstance(log, Exception):
            raise log
        return SimpleNamespace(stream=lambda decode_content: _chunks(log))


def _chunks(log: list[str | Exception]) -> Iterator[bytes]:
    for part in log:
        if isinstance(part, Exception):
            raise part
        yield part.encode()


def pod(name: str, exit_code: int | None = None, second: int = 0) -> V1Pod:
    state = {"running": {}} if exit_code is None else {"terminated": {"exitCode": exit_code, "reason": "Error"}}
    return model(
        "V1Pod",
        {
            "metadata": {"name": name, "creationTimestamp": f"2026-11-29T23:30:{second:02d}Z"},
            "spec": {"nodeName": "worker-1", "containers": [{"name": "driver"}], "restartPolicy": "Never"},
            "status": {
                "phase": "Running" if exit_code is None else "Failed",
                "containerStatuses": [
                    {"name": "driver", "state": state, "image": "i", "imageID": "", "ready": True, "restartCount": 0}
                ],
            },
        },
    )


def lines(tell: Callable[[ProgressLines], None], first: int = 0) -> list[str]:
    """What a run says, as a kubelet hands it out: each line after its time."""
    out = io.StringIO()
    tell(ProgressLines(out))
    return [
        f"2026-11-29T23:31:{first + n:02d}.000000000Z {line}\n" for n, line in enumerate(out.getvalue().splitlines())
    ]


def a_run(progress: ProgressLines) -> None:
    progress.begun("shop", "/lakehouse/home")
    progress.started("land", "Land files in bronze")
    progress.ended("land", StepResult(10), 1.0)
    progress.started("silver", "Clean into silver")
    progress.ended("silver", StepResult(9), 2.0)
    progress.summary({"as_of_on": "2025-12-31"})


SHOWN = (
    "lakehouse run: shop into /lakehouse/home\n"
    "  Land files in bronze            1.0 s  10 rows\n"
    "  Clean into silver               2.0 s  9 rows\n"
)
DONE = {"conditions": [condition("Complete", "True", "CompletionsReached")]}
FAILED = {"conditions": [condition("Failed", "True", "PodFailurePolicy", "exit code 3")]}


def follow(*looks: dict[str, Any]) -> tuple[Outcome, str, Script]:
    script, shown = Script(*looks), io.StringIO()
    progress = ScreenProgress(Console(file=shown, highlight=False, soft_wrap=True))
    outcome = Follower(script, RUN, progress, script.clock, script.sleep).follow()  # type: ignore[arg-type]
    return outcome, shown.getvalue(), script


def test_a_run_is_told_as_beside_it_and_ends_with_its_summary() -> None:
    outcome, shown, _ = follow(
        {},
        {"pods": [pod("p-1")], "log": lines(a_run)},
        {"pods": [pod("p-1", 0)], "log": lines(a_run), "job": DONE},
    )
    assert outcome == Outcome(0, {"as_of_on": "2025-12-31"})
    assert shown == SHOWN


@pytest.mark.parametrize("end", [[ProtocolError("cut off")], []], ids=["broken", "ended"])
def test_a_log_that_is_cut_off_anywhere_is_told_once(end: list[str | Exception]) -> None:
    log = lines(a_run)
    whole = "".join(log)
    for cut in range(0, len(whole), 97):
        first = [whole[:cut], *end]
        outcome, shown, script = follow(
            {"pods": [pod("p-1")], "log": first},
            {"pods": [pod("p-1")], "log": log[1:]},  # what the kubelet gives for the seconds asked for
            {"pods": [pod("p-1", 0)], "log": log[2:], "job": DONE},
        )
        if cut > len(log[0]):
            assert shown == SHOWN, cut
            assert script.since[1] is not None
            assert outcome == Outcome(0, {"as_of_on": "2025-12-31"})


def test_a_failed_gate_ends_as_it_does_beside_the_run() -> None:
    def gate(progress: ProgressLines) -> None:
        progress.begun("shop", "/lakehouse/home")
        progress.failed("the gate of silver failed:\n  unique orders: 3 rows", 3)

    log = [*lines(gate), "2026-11-29T23:31:30.000000000Z error: the gate of silver failed:\n",
           "2026-11-29T23:31:31.000000000Z   unique orders: 3 rows\n"]  # fmt: skip
    outcome, shown, _ = follow({"pods": [pod("p-1", 3)], "log": log, "job": FAILED})
    assert outcome == Outcome(3, sentence="the gate of silver failed:\n  unique orders: 3 rows")
    assert shown == "lakehouse run: shop into /lakehouse/home\n"


def test_an_error_before_the_first_event_is_told_from_the_log() -> None:
    log = ["2026-11-29T23:31:30.000000000Z error: setting 'engine' is wrong\n"]
    outcome, _, _ = follow({"pods": [pod("p-1", 2)], "log": log, "job": FAILED})
    assert outcome == Outcome(2, sentence="setting 'engine' is wrong")


def test_other_lines_are_shown_as_they_are() -> None:
    log = ["2026-11-29T23:31:30.000000000Z WARN [markup] of Java\n"]
    _, shown, _ = follow({"pods": [pod("p-1", 0)], "log": log, "job": DONE})
    assert shown == "WARN [markup] of Java\n"


def test_a_driver_that_was_killed_is_followed_into_its_next_pod() -> None:
    def half(progress: ProgressLines) -> None:
        progress.begun("shop", "/lakehouse/home")
        progress.started("land", "Land files in bronze")
        progress.ended("land", StepResult(10), 1.0)
        progress.started("silver", "Clean into silver")

    def rest(progress: ProgressLines) -> None:
        progress.noted("run 1 was killed in step silver; continuing from there")
        progress.summary({"as_of_on": "2025-12-31"})

    dead, alive = pod("p-1", 137), pod("p-2", second=9)
    outcome, shown, _ = follow(
        {"pods": [pod("p-1")], "log": lines(half)},
        {"pods": [dead], "log": lines(half)},
        {"pods": [dead, alive], "log": lines(rest, 30)},
        {"pods": [dead, pod("p-2", 0, second=9)], "log": lines(rest, 30), "job": DONE},
    )
    assert outcome == Outcome(0, {"as_of_on": "2025-12-31"})
    assert shown.splitlines()[2:] == [
        "  p-1 ended; p-2 takes the run up",
        "  run 1 was killed in step silver; continuing from there",
    ]


def test_a_driver_that_was_killed_for_good_is_told_with_what_to_expect() -> None:
    outcome, _, _ = follow({"pods": [pod("p-1", 137)], "job": FAILED})
    assert outcome == Outcome(
        1,
        sentence=f"the run {RUN} ended in p-1: it was killed (SIGKILL); what was published stays as it was, the next "
        "run continues",
    )


def test_a_run_whose_job_is_gone_was_cancelled() -> None:
    outcome, _, _ = follow({"pods": [pod("p-1")], "log": lines(a_run)[:3]}, {"job": ApiException(status=404)})
    assert outcome == Outcome(1, sentence=f"the run {RUN} was cancelled")


def test_a_cluster_that_does_not_answer_for_a_while_is_borne() -> None:
    silence = [{"job": ProtocolError("refused")}] * 30
    outcome, shown, _ = follow(*silence, {"pods": [pod("p-1", 0)], "log": lines(a_run), "job": DONE})
    assert outcome.exit_code == 0
    assert shown.count("waiting: the cluster https://cluster:6443 does not answer") == 1


def test_a_cluster_that_does_not_answer_for_long_is_given_up() -> None:
    script, shown = Script({"job": ProtocolError("refused")}), io.StringIO()
    progress = ScreenProgress(Console(file=shown))
    with pytest.raises(Unreachable):
        Follower(script, RUN, progress, script.clock, script.sleep).follow()  # type: ignore[arg-type]
    assert script.seconds > PATIENCE_SECONDS


def test_who_may_not_look_is_told_so() -> None:
    refused = ApiException(status=403, reason="Forbidden")
    refused.body = '{"message": "jobs.batch is forbidden: User \\"ann\\" cannot get"}'
    script, shown = Script({"job": refused}), io.StringIO()
    with pytest.raises(InputError, match="you may not read the run .* in namespace shop: jobs.batch is forbidden"):
        Follower(script, RUN, ScreenProgress(Console(file=shown))).follow()  # type: ignore[arg-type]


def test_a_node_that_does_not_hand_out_the_log_is_named() -> None:
    looks = [{"pods": [pod("p-1")], "log": ApiException(status=500, reason="no route to host")}] * 20
    _, shown, _ = follow(*looks, {"pods": [pod("p-1", 0)], "log": lines(a_run), "job": DONE})
    assert shown.count("waiting: the log of p-1 cannot be read from its node worker-1 now") == 1
    assert shown.endswith(SHOWN)
