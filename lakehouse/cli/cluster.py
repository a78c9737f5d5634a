"""Verbs on a cluster: submit, status, logs, cancel."""

from __future__ import annotations

import getpass
import json
import socket
from dataclasses import asdict
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from lakehouse.cli.data import AsJson
from lakehouse.cli.run import SourceFiles, parse_day
from lakehouse.errors import GateFailed, InputError, LakehouseError
from lakehouse.settings import load_settings

if TYPE_CHECKING:
    from lakehouse.cluster.connection import Cluster

Namespace = Annotated[Optional[str], typer.Option(help="namespace of the release; default: the setting `namespace`")]
Release = Annotated[Optional[str], typer.Option(help="name of the Helm release; default: the setting `release`")]
Context = Annotated[Optional[str], typer.Option(help="context of the kubeconfig; default: the setting `kube_context`")]
RunName = Annotated[
    Optional[str], typer.Argument(metavar="RUN", help="a run, as `status` lists them; default: the newest")
]
_ERRORS = {2: InputError, 3: GateFailed}


def add_to(app: typer.Typer) -> None:
    for verb in (submit, status, logs, cancel):
        app.command(name=verb.__name__)(verb)


def submit(
    source: SourceFiles = None,
    as_of: Annotated[
        Optional[str],
        typer.Option(help="the day the results are valid for, YYYY-MM-DD; default: the last day of the data"),
    ] = None,
    watch: Annotated[bool, typer.Option(help="follow the run and end as it ends; --no-watch only starts it")] = True,
    namespace: Namespace = None,
    release: Release = None,
    context: Context = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the summary as JSON")] = False,
) -> None:
    """Run on the cluster: as `lakehouse run`, in a pod of the release; Ctrl-C leaves it running."""
    from lakehouse.cli.screen import console
    from lakehouse.cluster.runs import refuse_beside_another
    from lakehouse.cluster.submit import Request, lasting_mounts, template_of
    from lakehouse.cluster.submit import submit as start
    from lakehouse.cluster.upload import pack

    day = parse_day(as_of)
    cluster = _cluster(namespace, release, context)
    template = template_of(cluster)
    packed = pack(source, lasting_mounts(template)) if source else None
    refuse_beside_another(cluster)
    run = start(cluster, template, Request(f"{getpass.getuser()}@{socket.gethostname()}", day, packed))
    screen = console(to_stderr=as_json)
    screen.print(f"submitted {run} to {cluster.namespace} on {cluster.server}", markup=False)
    if watch:
        _follow(cluster, run, as_json)
    elif as_json:
        print(json.dumps({"run": run, "namespace": cluster.namespace, "release": cluster.release}))
    else:
        screen.print(_how_to_come_back(run), markup=False)


def status(
    run: RunName = None,
    namespace: Namespace = None,
    release: Release = None,
    context: Context = None,
    as_json: AsJson = False,
) -> None:
    """List the release's runs, newest first, and who holds its lease."""
    from lakehouse.cli.screen import console, print_rows
    from lakehouse.cluster.runs import jobs_of, lease_of, state_of_run
    from lakehouse.cluster.submit import template_of
    from lakehouse.cluster.watch import require_job

    cluster = _cluster(namespace, release, context)
    template_of(cluster)
    jobs = [require_job(cluster, run)] if run else jobs_of(cluster)
    states = [state_of_run(cluster, job) for job in jobs]
    lease = lease_of(cluster)
    if as_json:
        print(json.dumps({"runs": [asdict(one) for one in states], "lease": lease}, ensure_ascii=False, default=str))
        return
    screen = console()
    if states:
        rows = [
            [
                s.run,
                s.state,
                _span(s.created_at, s.ended_at),
                f"{s.created_at:%Y-%m-%d %H:%M}",
                s.submitted_by,
                s.detail,
            ]
            for s in states
        ]
        print_rows(screen, ["run", "state", "took", "since (UTC)", "by", ""], rows)
    else:
        screen.print("no run yet: `lakehouse submit` starts one", markup=False)
    if lease is not None:
        held = f"{lease['pod']} ({lease['command']}) since {lease['since']:%H:%M:%S}"
        screen.print(f"the lease is held by {held}, renewed at {lease['renewed_at']:%H:%M:%S} UTC", markup=False)


def logs(
    run: RunName = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="come back to a run: go on as `submit` would")] = False,
    namespace: Namespace = None,
    release: Release = None,
    context: Context = None,
    as_json: Annotated[bool, typer.Option("--json", help="with --follow: print the summary as JSON")] = False,
) -> None:
    """Show what a run said; --follow comes back to one that goes on, and ends as it ends."""
    from lakehouse.cli.screen import ScreenProgress, console
    from lakehouse.cluster.runs import newest
    from lakehouse.cluster.watch import Follower, require_job

    cluster = _cluster(namespace, release, context)
    run = run or newest(cluster)
    require_job(cluster, run)
    if follow:
        _follow(cluster, run, as_json)
        return
    progress = ScreenProgress(console(to_stderr=as_json))
    try:
        Follower(cluster, run, progress).tell_log()
    finally:
        progress.stop()


def cancel(
    run: RunName = None,
    namespace: Namespace = None,
    release: Release = None,
    context: Context = None,
) -> None:
    """End a run that goes on; what was published stays as it was, and the next run continues."""
    from lakehouse.cli.screen import console
    from lakehouse.cluster.runs import cancel as end
    from lakehouse.cluster.runs import newest

    cluster = _cluster(namespace, release, context)
    screen = console()
    screen.print(end(cluster, run or newest(cluster)), markup=False)


def _cluster(namespace: str | None, release: str | None, context: str | None) -> Cluster:
    from lakehouse.cluster.connection import connect

    asked = {"namespace": namespace, "release": release, "kube_context": context}
    return connect(load_settings(**{name: value for name, value in asked.items() if value is not None}))


def _follow(cluster: Cluster, run: str, as_json: bool) -> None:
    """Follow a run to its end, and end as it does.

    Raises:
        LakehouseError: it failed; with its sentence and exit code.
    """
    from lakehouse.cli.screen import ScreenProgress, console
    from lakehouse.cli.summary import print_summary
    from lakehouse.cluster.connection import Unreachable
    from lakehouse.cluster.runs import cancel as end
    from lakehouse.cluster.watch import Follower

    progress = ScreenProgress(console(to_stderr=as_json))
    try:
        outcome = Follower(cluster, run, progress).follow()
    except KeyboardInterrupt:
        progress.stop()
        progress.screen.print(f"{run} goes on. {_how_to_come_back(run)}", markup=False)
        raise typer.Exit(130) from None
    except Unreachable as error:
        raise LakehouseError(f"{error}; {run} may go on: {_how_to_come_back(run)}") from None
    finally:
        progress.stop()
    if outcome.never_began:
        raise InputError(f"{run} cannot begin: {outcome.sentence}; it is taken back ({end(cluster, run)})")
    if outcome.exit_code:
        raise _ERRORS.get(outcome.exit_code, LakehouseError)(outcome.sentence)
    if outcome.summary is None:
        progress.screen.print(f"{run} is done; {outcome.sentence}", markup=False)
    elif as_json:
        print(json.dumps(outcome.summary, indent=1, ensure_ascii=False))
    else:
        print_summary(progress.screen, outcome.summary)


def _how_to_come_back(run: str) -> str:
    return f"`lakehouse logs --follow {run}` comes back to it, `lakehouse cancel {run}` ends it"


def _span(begun: datetime, ended: datetime | None) -> str:
    seconds: Any = int(((ended or datetime.now(timezone.utc)) - begun).total_seconds())
    return f"{seconds // 60}:{seconds % 60:02d}"
