"""`lakehouse submit`, `status`, `logs` and `cancel` against a real cluster, with the rights of docs/cluster.md.

The run itself is a script that says what a run says: what is tested is the way there and back.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kubernetes.client.exceptions import ApiException

from lakehouse.cli import main
from lakehouse.cluster.connection import Cluster
from lakehouse.cluster.lease import Holder, Timing, _new
from tests.cluster.namespace import fresh_namespace
from tests.cluster.release import install, kubeconfig, set_case

STEPS = (
    "lakehouse run: shop into /lakehouse/home\n"
    "  asked for by {user}: lakehouse run --json-progress{options}\n"
    "  Land files in bronze            0.5 s  1,234 rows\n"
)
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with fresh_namespace("submit") as made:
        install(made)
        yield made


@pytest.fixture
def person(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The kubeconfig of somebody who may submit."""
    file = kubeconfig(cluster, "submitter", tmp_path / "kubeconfig")
    monkeypatch.setenv("KUBECONFIG", str(file))
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("LAKEHOUSE_")]:
        monkeypatch.delenv(name)
    return file


@pytest.fixture
def lakehouse(person: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command: its exit code, and what it said on both streams."""

    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["lakehouse", *arguments])
        code = main()
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture(autouse=True)
def _nothing_is_left(cluster: Cluster) -> Iterator[None]:
    yield
    for job in cluster.batch.list_namespaced_job(cluster.namespace).items:
        cluster.batch.delete_namespaced_job(job.metadata.name, cluster.namespace, propagation_policy="Background")
    await_that(lambda: not cluster.core.list_namespaced_pod(cluster.namespace).items)


def await_that(holds: Callable[[], object], seconds: float = 120) -> None:
    """Wait until it holds."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.5)


def started(lakehouse: Command, cluster: Cluster, case: str) -> str:
    """A run that was only started; its name."""
    set_case(cluster, case)
    code, out, err = lakehouse("submit", "--no-watch", "--json")
    assert code == 0, err
    return str(json.loads(out)["run"])


def state_of(lakehouse: Command, run: str) -> dict[str, str]:
    code, out, err = lakehouse("status", run, "--json")
    assert code == 0, err
    (state,) = json.loads(out)["runs"]
    return dict(state)


def test_a_run_is_shown_as_beside_it_and_ends_with_its_summary(lakehouse: Command, cluster: Cluster) -> None:
    set_case(cluster, "done")
    code, out, err = lakehouse("submit", "--as-of", "2025-12-31")
    assert code == 0, err
    first, rest = out.split("\n", 1)
    assert first.startswith("submitted lakehouse-run-")
    user = rest.split("asked for by ")[1].split(":")[0]
    assert rest.startswith(STEPS.format(user=user, options=" --as-of 2025-12-31"))
    assert "Published as of 2025-12-31" in rest
    assert "Rules: 7 passed, 0 failed" in rest
    run = first.split()[1]
    assert state_of(lakehouse, run)["state"] == "done"
    code, out, _ = lakehouse("logs", run)
    assert (code, out) == (0, STEPS.format(user=user, options=" --as-of 2025-12-31"))


def test_a_script_gets_the_summary_and_nothing_else(lakehouse: Command, cluster: Cluster) -> None:
    set_case(cluster, "done")
    code, out, err = lakehouse("submit", "--json")
    assert code == 0
    assert json.loads(out)["rows"] == {"gold": {"dim_customer": 2500}}
    assert "Land files in bronze" in err


def test_a_failed_gate_ends_with_3_and_is_not_tried_again(lakehouse: Command, cluster: Cluster) -> None:
    set_case(cluster, "gate")
    code, _, err = lakehouse("submit")
    assert (code, err) == (3, "error: the gate of silver failed\n")
    assert len(cluster.core.list_namespaced_pod(cluster.namespace).items) == 1
    code, out, _ = lakehouse("status")
    assert "failed" in out
    assert "the gate of silver failed" in out


def test_sources_go_along_and_go_with_the_run(lakehouse: Command, cluster: Cluster, tmp_path: Path) -> None:
    set_case(cluster, "uploaded")
    (tmp_path / "orders.csv").write_text("no,pos,customer,sku,qty,price\n1,1,c1,p1,2,9.50\n")
    (tmp_path / "shop.yml").write_text(
        "name: shop\ncurrency: EUR\nentities:\n  order_lines:\n    key: [order_id, line_number]\n"
        "    path: orders.csv\n    columns: {order_id: no, line_number: pos, customer_id: customer, product_id: sku,\n"
        "      quantity: qty, unit_price: price}\n"
    )
    code, out, err = lakehouse("submit", "--source", "shop.yml")
    assert code == 0, err
    assert " --uploaded /opt/lakehouse/upload/sources.zip\n" in out
    run = out.split()[1]
    stored = cluster.core.read_namespaced_config_map(f"{run}-upload", cluster.namespace)
    assert stored.immutable is True
    assert lakehouse("cancel", run)[:2] == (0, f"{run} had ended before; its Job, log and uploads are removed\n")

    def is_gone() -> bool:
        try:
            cluster.core.read_namespaced_config_map(f"{run}-upload", cluster.namespace)
        except ApiException as error:
            return error.status == 404
        return False

    await_that(is_gone)


def _heeds_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_leaves_the_run_which_is_come_back_to(lakehouse: Command, cluster: Cluster) -> None:
    set_case(cluster, "slow")
    command = [sys.executable, "-m", "lakehouse", "submit"]
    watching = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_heeds_ctrl_c,  # what a shell starts in the background does not
    )
    assert watching.stdout is not None
    run = watching.stdout.readline().split()[1]
    while "Land files" not in watching.stdout.readline():
        pass
    watching.send_signal(signal.SIGINT)
    out, err = watching.communicate(timeout=60)
    assert watching.returncode == 130, err
    assert f"{run} goes on. `lakehouse logs --follow {run}` comes back to it" in out
    code, out, err = lakehouse("logs", "--follow")
    assert code == 0, err
    assert out.index("Land files in bronze") < out.index("Clean into silver") < out.index("Published as of 2025-12-31")


def test_a_second_run_is_refused_and_the_first_can_be_cancelled(lakehouse: Command, cluster: Cluster) -> None:
    run = started(lakehouse, cluster, "endless")
    await_that(lambda: state_of(lakehouse, run)["state"] == "running")
    await_that(lambda: state_of(lakehouse, run)["detail"] == "Clean into silver")
    code, _, err = lakehouse("submit")
    assert code == 1
    assert f"another run works on this lakehouse: {run} of " in err
    assert ", since 20" in err
    pod = state_of(lakehouse, run)["pod"]
    lease = _new(Holder(f"{pod}/1", run, "run", "a test"), Timing())
    lease.metadata.name = "lakehouse-run"
    cluster.coordination.create_namespaced_lease(cluster.namespace, lease)
    assert f"the lease is held by {pod} (run)" in lakehouse("status")[1]
    code, out, err = lakehouse("cancel")
    assert (code, err) == (0, "")
    assert out == f"{run} is cancelled; what was published stays as it was, the next run continues\n"
    freed = cluster.coordination.read_namespaced_lease("lakehouse-run", cluster.namespace)
    assert freed.spec.holder_identity is None
    assert lakehouse("status")[1] == "no run yet: `lakehouse submit` starts one\n"


def test_who_follows_a_run_that_is_cancelled_is_told_so(lakehouse: Command, cluster: Cluster) -> None:
    run = started(lakehouse, cluster, "endless")
    await_that(lambda: state_of(lakehouse, run)["detail"] == "Clean into silver")
    command = [sys.executable, "-m", "lakehouse", "logs", "-f", run]
    watching = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert watching.stdout is not None
    while "Land files" not in watching.stdout.readline():
        pass
    assert lakehouse("cancel", run)[0] == 0
    _, err = watching.communicate(timeout=60)
    assert (watching.returncode, err) == (1, f"error: the run {run} was cancelled\n")


def test_a_killed_run_is_followed_into_the_pod_that_continues_it(lakehouse: Command, cluster: Cluster) -> None:
    set_case(cluster, "killed")
    code, out, err = lakehouse("submit")
    assert code == 0, err
    assert "takes the run up" in out
    assert "Published as of 2025-12-31" in out


def test_want_of_memory_is_told_in_a_sentence(lakehouse: Command, cluster: Cluster) -> None:
    set_case(cluster, "hungry")
    code, _, err = lakehouse("submit")
    assert code == 1
    assert "it ran out of memory and was killed at its limit of 32Mi" in err
    assert len(err.splitlines()) == 1


def test_a_wrong_image_is_told_and_the_run_taken_back(lakehouse: Command, cluster: Cluster) -> None:
    set_case(cluster, "done", image="no-such-image:9.9.9")
    code, _, err = lakehouse("submit")
    assert code == 2
    assert "cannot begin: the image no-such-image:9.9.9 cannot be had on " in err
    assert len(err.splitlines()) == 1
    assert not cluster.batch.list_namespaced_job(cluster.namespace).items


def test_a_run_that_no_node_has_room_for_waits_and_says_why(lakehouse: Command, cluster: Cluster) -> None:
    large = {"requests": {"memory": "10Ti"}, "limits": {"memory": "10Ti"}}
    set_case(cluster, "done", resources=large)
    code, out, err = lakehouse("submit", "--no-watch", "--json")
    assert code == 0, err
    run = json.loads(out)["run"]
    await_that(lambda: "no node takes the run's pod yet: 0/" in state_of(lakehouse, run)["detail"])
    assert state_of(lakehouse, run)["state"] == "waiting"
    assert lakehouse("cancel", run)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--release", "other"], "you may not read the CronJob other-run in namespace "),
        (["--namespace", "default"], "you may not read the CronJob lakehouse-run in namespace default: "),
        (["--context", "no-such"], "no cluster is known: the kubeconfig "),
        (["--source", "no-such.yml"], "source file no-such.yml does not exist"),
        (["--as-of", "yesterday"], "--as-of 'yesterday' is no date"),
    ],
)
def test_a_mistake_is_one_sentence_and_2(lakehouse: Command, arguments: list[str], sentence: str) -> None:
    code, _, err = lakehouse("submit", *arguments)
    assert code == 2
    assert sentence in err
    assert len(err.splitlines()) == 1


def test_no_release_is_one_sentence_and_2(
    lakehouse: Command, cluster: Cluster, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    import tests.cluster.release as release

    release._authorise(
        cluster, "submitter-of-any", [{"apiGroups": ["batch"], "resources": ["cronjobs"], "verbs": ["get"]}]
    )
    cluster.core.create_namespaced_service_account(cluster.namespace, {"metadata": {"name": "submitter-of-any"}})
    folder = request.getfixturevalue("tmp_path")
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(cluster, "submitter-of-any", folder / "other")))
    code, _, err = lakehouse("submit", "--release", "other")
    assert code == 2
    assert f"there is no release 'other' in namespace '{cluster.namespace}'" in err


@pytest.mark.parametrize(
    ("server", "token", "code", "sentence"),
    [
        (None, "expired", 2, "does not accept the credentials of your kubeconfig"),
        ("https://127.0.0.1:9", None, 1, "the cluster https://127.0.0.1:9 does not answer ("),
    ],
    ids=["credentials", "server"],
)
def test_a_wrong_kubeconfig_is_one_sentence(
    lakehouse: Command, person: Path, server: str | None, token: str | None, code: int, sentence: str
) -> None:
    import yaml

    content = yaml.safe_load(person.read_text())
    content["clusters"][0]["cluster"]["server"] = server or content["clusters"][0]["cluster"]["server"]
    content["users"][0]["user"]["token"] = token or content["users"][0]["user"]["token"]
    person.write_text(yaml.safe_dump(content))
    told, _, err = lakehouse("submit")
    assert told == code
    assert sentence in err
    assert len(err.splitlines()) == 1
