"""`${NAME}` and `${NAME:-default}` in what a person writes: replaced by the environment when it is used."""

from __future__ import annotations

import os
import re

from lakehouse.errors import InputError

_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


def expand_variables(pattern: str) -> str:
    """Replace `${NAME}` and `${NAME:-default}` by the environment's value.

    Raises:
        InputError: a variable without default is not set.
    """

    def value(match: re.Match[str]) -> str:
        name, default = match.group(1), match.group(2)
        found = os.environ.get(name) or default
        if found is None:
            raise InputError(f"the variable {name} in `{pattern}` is not set; set it or write ${{{name}:-default}}")
        return found

    return _VARIABLE.sub(value, pattern)
