"""The command `lakehouse` as a process: a verb, and out."""

from __future__ import annotations

import atexit
import logging
import os
import sys
from typing import NoReturn

from lakehouse.cli import main


class _Leaving:
    """The last handler of the process to be called, since it is the first to be registered.

    Python's own teardown is left out: Arrow's threads, still at work when it comes, abort the process (SIGABRT,
    "terminate called without an active exception"); a run on the cluster that had published all was begun again.
    """

    exit_code = 1

    def __call__(self) -> None:
        logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):  # nobody reads it any more
                continue
        os._exit(self.exit_code)


def program() -> NoReturn:
    """Run the verb of the command line, and end the process with its exit code."""
    leaving = _Leaving()
    atexit.register(leaving)
    leaving.exit_code = main()
    sys.exit(leaving.exit_code)
