"""What a person is told, and the exit code that a script sees.

Every error that a user can cause is one of these; the command line prints its sentence without a traceback.
"""

from __future__ import annotations

import re

_LONGEST = 1200
TRY_AGAIN = 75
"""The exit code of what only a fault of the storage ended (EX_TEMPFAIL of sysexits.h): started again, it continues."""
_HDFS_BROKE_OFF = re.compile(
    r"communicating with HDFS\W+(.+)|data transfer error: (.+)"
    r"|(Timed out (?:connecting to|waiting for ack from) DataNode.*)"
)
_COLOURS_AND_ARROWS = re.compile(r"\x1b\[[0-9;]*m|↳")
_HDFS_IS_FULL = "could only be written to 0 of the"


class LakehouseError(Exception):
    """Something went wrong that is neither the input's nor a gate's fault: exit code 1."""

    exit_code = 1

    def __str__(self) -> str:
        """The sentence; what a terminal would not print as it stands (a newline in a file's name) is escaped."""
        said = super().__str__()
        if not said.isprintable():
            said = "".join(c if c.isprintable() else _escaped(c) for c in said)
        return said if len(said) <= _LONGEST else f"{said[: _LONGEST // 2]} … {said[-_LONGEST // 2 :]}"


class InputError(LakehouseError):
    """The input, a source file or the configuration is wrong: exit code 2."""

    exit_code = 2


class GateFailed(LakehouseError):
    """An expectation of severity `error` failed: exit code 3."""

    exit_code = 3

    def __str__(self) -> str:
        """A line for each rule that failed."""
        return Exception.__str__(self)


def storage_without_room(text: str) -> str | None:
    """The sentence for what HDFS says when no DataNode takes a block; None where the text is about something else."""
    if _HDFS_IS_FULL not in text:
        return None
    return (
        "no DataNode of HDFS takes a block: their volumes have no room, or none of them answers; see to it and run "
        "again, it continues; what was published stays as it was"
    )


def storage_broke_off(text: str) -> str | None:
    """The sentence for what delta-rs says when a node of HDFS is lost under a write; None for any other text.

    Its client takes no other DataNode where the first one does not answer, as Java's does.
    """
    found = _HDFS_BROKE_OFF.search(_COLOURS_AND_ARROWS.sub("", text))
    if found is None:
        return None
    why = next(words for words in found.groups() if words)[:100].strip()
    return f"a node of HDFS was lost ({why}); run again, it continues; what was published stays as it was"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "backslashreplace").decode()
