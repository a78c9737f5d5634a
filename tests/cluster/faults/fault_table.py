"""The table of faults in docs/cluster.md: a row is of a test that passed, and stays until that passes again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lakehouse.settings import CHECKOUT

PAGE = CHECKOUT / "docs" / "cluster.md"
BEGINNING, END = "<!-- faults: made by make test-faults -->\n", "<!-- end of faults -->\n"
HEAD = "| fault | what the user sees | end state | seconds to recover |\n|---|---|---|---|\n"


@dataclass(frozen=True)
class Fault:
    """What was done, what came of it, and how long it took."""

    name: str
    seen: str
    end_state: str
    recovery: str

    def row(self) -> str:
        cells = (self.name, self.seen, self.end_state, self.recovery)
        return "| " + " | ".join(cell.replace("\n", " ").replace("|", "\\|") for cell in cells) + " |\n"


def rows_of(page: str) -> dict[str, str]:
    """The rows that a page has, by the fault's name."""
    block = page.partition(BEGINNING)[2].partition(END)[0].removeprefix(HEAD)
    return {line.split(" | ")[0].removeprefix("| "): line + "\n" for line in block.splitlines()}


def with_rows(page: str, faults: list[Fault]) -> str:
    """The page with these rows in place of those of the same faults; new ones come last.

    Raises:
        ValueError: the page has no place for the table.
    """
    if BEGINNING not in page or END not in page:
        raise ValueError(f"no lines {BEGINNING.strip()} and {END.strip()} in the page")
    rows = rows_of(page) | {fault.name: fault.row() for fault in faults}
    table = BEGINNING + HEAD + "".join(rows.values()) + END
    return re.sub(re.escape(BEGINNING) + ".*?" + re.escape(END), lambda _: table, page, flags=re.DOTALL)


def write(faults: list[Fault], file: Path = PAGE) -> None:
    file.write_text(with_rows(file.read_text(encoding="utf-8"), faults), encoding="utf-8")
