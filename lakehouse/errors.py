"""What a person is told, and the exit code that a script sees.

Every error that a user can cause is one of these; the command line prints its sentence without a traceback.
"""

_LONGEST = 1200


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


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "backslashreplace").decode()
