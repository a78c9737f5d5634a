"""The command line. A user's mistake is answered with one sentence and an exit code, never a traceback."""

from __future__ import annotations

import logging
import sys

import typer

from lakehouse.cli import (
    budget,
    cluster,
    data,
    history,
    leaving,
    machine,
    models,
    privacy,
    report,
    rights,
    run,
    serving,
    superset,
    vault,
)
from lakehouse.cli.faults import explain

app = typer.Typer(
    name="lakehouse",
    help="Raw customer data in; a trusted profile, segments, recommendations and predictions out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
VERBS = (
    run,
    data,
    models,
    history,
    report,
    leaving,
    privacy,
    vault,
    rights,
    machine,
    budget,
    cluster,
    serving,
    superset,
)
for verbs in VERBS:
    verbs.add_to(app)


def main() -> int:
    """Run a verb; the exit code is 0 done, 2 input or configuration wrong, 3 a gate failed, 1 anything else."""
    logging.getLogger().addHandler(logging.NullHandler())  # else py4j prints a traceback for each call to a dead Java
    try:
        left_with = app(standalone_mode=False)  # the code of a typer.Exit, which is caught in there
        return left_with if isinstance(left_with, int) else 0
    except typer.Exit as leave:
        return leave.exit_code
    except KeyboardInterrupt:
        return _say("interrupted; what was published stays as it was, the next run continues", 130)
    except Exception as error:
        return _say(*explain(error))


def _say(sentence: str, exit_code: int) -> int:
    print(f"error: {sentence}", file=sys.stderr)
    return exit_code
