"""What a person sees: steps as they go, and rows as a table; plain lines where there is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.status import Status
from rich.table import Table

from lakehouse.pipeline import Progress, StepResult

TITLE_WIDTH = 28


def console(to_stderr: bool = False) -> Console:
    """A console that neither wraps nor colours what goes to a file or a pipe."""
    stream = sys.stderr if to_stderr else sys.stdout
    return Console(file=stream, highlight=False, soft_wrap=not stream.isatty())


class ScreenProgress(Progress):
    """A line per step; on a terminal the running step spins and names what it works on."""

    def __init__(self, screen: Console) -> None:
        self.screen = screen
        self._spinner: Status | None = None
        self._title = ""

    def begun(self, sources: str, home: str) -> None:
        self.screen.print(f"lakehouse run: {sources} into {home}", markup=False)

    def started(self, step: str, title: str) -> None:
        self.stop()
        self._title = title
        if self.screen.is_terminal:
            self._spinner = self.screen.status(title)
            self._spinner.start()

    def advanced(self, step: str, what: str) -> None:
        if self._spinner is not None:
            self._spinner.update(f"{self._title}: {what}")

    def ended(self, step: str, result: StepResult, seconds: float) -> None:
        self.stop()
        rows = "" if result.rows is None else f"{result.rows:,} rows"
        detail = ", ".join(part for part in (rows, result.message) if part)
        self.screen.print(f"  {self._title:<{TITLE_WIDTH}} {seconds:6.1f} s  {detail}", markup=False)

    def skipped(self, step: str, title: str, why: str) -> None:
        self.screen.print(f"  {title:<{TITLE_WIDTH}}   skip    {why}", markup=False)

    def waiting(self, for_what: str) -> None:
        if self.screen.is_terminal:
            if self._spinner is None:
                self._spinner = self.screen.status(for_what)
                self._spinner.start()
            self._spinner.update(for_what)

    def noted(self, what: str) -> None:
        self.screen.print(f"  {what}", markup=False)

    def logged(self, line: str) -> None:
        self.screen.print(line, markup=False, style="dim")

    def stop(self) -> None:
        """Take the spinner off the screen."""
        if self._spinner is not None:
            self._spinner.stop()
            self._spinner = None


def print_rows(screen: Console, names: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Rows as a table, numbers to the right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for place, name in enumerate(names):
        is_number = all(isinstance(row[place], (int, float)) or row[place] is None for row in rows)
        table.add_column(name, justify="right" if rows and is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row))
    if not screen.is_terminal:
        screen = Console(file=screen.file, width=10_000, highlight=False)
    screen.print(table)
