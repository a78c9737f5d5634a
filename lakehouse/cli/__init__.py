"""The command line. A user's mistake is answered with one sentence and an exit code, never a traceback."""

from __future__ import annotations

import errno
import logging
import os
import sys
import traceback

import typer

from lakehouse.cli import budget, data, history, leaving, machine, models, report, run, serving, superset
from lakehouse.errors import LakehouseError
from lakehouse.session import java_has_ended

JAVA_ENDED = (
    "the Java process of Spark ended (killed, or out of memory: LAKEHOUSE_DRIVER_MEMORY sets its heap); "
    "what was published stays as it was, run again to continue"
)

app = typer.Typer(
    name="lakehouse",
    help="Raw customer data in; a trusted profile, segments, recommendations and predictions out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for verbs in (run, data, models, history, report, leaving, machine, budget, serving, superset):
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
        return _explain(error)


def _explain(error: Exception) -> int:
    if java_has_ended() or isinstance(error, ConnectionError):
        return _say(JAVA_ENDED, 1)
    if isinstance(error, LakehouseError):
        return _say(str(error), error.exit_code)
    if isinstance(error, OSError):
        return _say(_about_the_machine(error), 1)
    shown = getattr(error, "format_message", None)
    if shown is not None:  # a wrong verb, option or argument
        return _say(f"{shown()} (see `lakehouse --help`)", 2)
    return _unexpected(error)


def _say(sentence: str, exit_code: int) -> int:
    print(f"error: {sentence}", file=sys.stderr)
    return exit_code


def _about_the_machine(error: OSError) -> str:
    where = f" ({error.filename})" if error.filename else ""
    if error.errno == errno.ENOSPC:
        return f"the disk is full{where}: free some space and run again; what was published stays as it was"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"no permission{where}: make it readable and writable for you, or set LAKEHOUSE_HOME elsewhere"
    return f"{error.strerror or error}{where}"


def _unexpected(error: Exception) -> int:
    """A fault of ours or of Spark: its first line; the traceback is for who wants it."""
    text = "".join(traceback.format_exception(error))
    if "LAKEHOUSE_DEBUG" in os.environ:
        print(text, file=sys.stderr)
    if "Py4JNetworkError" in text:
        return _say(JAVA_ENDED, 1)
    if "No space left on device" in text:
        return _say("the disk is full: free some space and run again; what was published stays as it was", 1)
    first = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return _say(f"{type(error).__name__}: {first[:300]} (LAKEHOUSE_DEBUG=1 shows where)", 1)
