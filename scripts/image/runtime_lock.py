"""The part of requirements.lock that the image needs: what runs, without the tools that test and judge it.

`python runtime_lock.py pyproject.toml requirements.lock` prints the lock's own lines, hashes and all, of every package
that a dependency of the project leads to by the lock's `# via` notes. Standard library only: the image's first stage
has no other.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

NOT_AT_RUN_TIME = {"uv"}
"""Installs the others."""
PACKAGE = re.compile(r"^([A-Za-z0-9._-]+)==")
VIA = re.compile(r"^    #(?: via)?\s+(\S.*)$")


def runtime_lock(dependencies: Iterable[str], lock: str) -> str:
    """The lines of a lock for these dependencies (as pyproject.toml has them) and all that they require.

    Raises:
        ValueError: a dependency is not in the lock.
    """
    blocks: list[tuple[str, list[str]]] = []
    requires: dict[str, set[str]] = {}
    for line in lock.splitlines():
        started, via = PACKAGE.match(line), VIA.match(line)
        if started:
            blocks.append((_plain(started[1]), []))
        if blocks:
            blocks[-1][1].append(line)
            if via:
                requires.setdefault(_plain(via[1]), set()).add(blocks[-1][0])
    wanted = {_plain(re.split(r"[\[<>=!~; ]", text, maxsplit=1)[0]) for text in dependencies} - NOT_AT_RUN_TIME
    locked = {name for name, _ in blocks}
    missing = {name for name in wanted - locked if name != "tomli"}  # of older Pythons only
    if missing:
        raise ValueError(f"not in the lock: {', '.join(sorted(missing))}; run `make lock`")
    found: set[str] = set()
    while wanted:
        found |= wanted
        wanted = set().union(*(requires.get(name, set()) for name in wanted)) - found
    return "\n".join("\n".join(lines) for name, lines in blocks if name in found) + "\n"


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    import tomllib

    project = tomllib.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["project"]
    sys.stdout.write(runtime_lock(project["dependencies"], Path(sys.argv[2]).read_text(encoding="utf-8")))
