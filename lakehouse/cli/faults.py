"""What a person is told of an error: one sentence, and the exit code that a script sees."""

from __future__ import annotations

import errno
import os
import sys
import traceback

from lakehouse.errors import TRY_AGAIN, LakehouseError, storage_broke_off, storage_without_room
from lakehouse.session import java_has_ended

JAVA_ENDED = (
    "the Java process of Spark ended (killed, or out of memory: LAKEHOUSE_DRIVER_MEMORY sets its heap); "
    "what was published stays as it was, run again to continue"
)


def explain(error: Exception) -> tuple[str, int]:
    """The sentence and the exit code: 2 input or configuration wrong, 3 a gate failed, 75 the storage
    broke off (again is not the same), 1 anything else."""
    if java_has_ended() or isinstance(error, ConnectionError):
        return JAVA_ENDED, 1
    full = storage_without_room(str(error))
    if full is not None:
        return full, 1
    broke_off = storage_broke_off(str(error))
    if broke_off is not None:
        return broke_off, TRY_AGAIN
    if isinstance(error, LakehouseError):
        return str(error), error.exit_code
    if isinstance(error, OSError):
        return _about_the_machine(error), 1
    shown = getattr(error, "format_message", None)
    if shown is not None:  # a wrong verb, option or argument
        return f"{shown()} (see `lakehouse --help`)", 2
    return _unexpected(error)


def _about_the_machine(error: OSError) -> str:
    where = f" ({error.filename})" if error.filename else ""
    if error.errno == errno.ENOSPC:
        return f"the disk is full{where}: free some space and run again; what was published stays as it was"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"no permission{where}: make it readable and writable for you, or set LAKEHOUSE_HOME elsewhere"
    return f"{error.strerror or error}{where}"


def _unexpected(error: Exception) -> tuple[str, int]:
    """A fault of ours or of Spark: its first line; the traceback is for who wants it."""
    text = "".join(traceback.format_exception(error))
    if "LAKEHOUSE_DEBUG" in os.environ:
        print(text, file=sys.stderr)
    if "Py4JNetworkError" in text:
        return JAVA_ENDED, 1
    full = storage_without_room(text)
    if full is not None:
        return full, 1
    if "No space left on device" in text:
        return "the disk is full: free some space and run again; what was published stays as it was", 1
    first = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return f"{type(error).__name__}: {first[:300]} (LAKEHOUSE_DEBUG=1 shows where)", 1
