"""Where the time of a run goes: spans within spans, gathered where somebody asked for it (`lakehouse run --profile`).

While a profile is gathered things that else go on side by side go one after the other (`at_once`), so that the CPU
seconds of a span are its own.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil


@dataclass
class Span:
    """A part of a run.

    Args:
        wall_s: seconds from its begin to its end.
        python_cpu_s, java_cpu_s: CPU seconds of this process (Sail and delta-rs are in it) and of its Java meanwhile.
    """

    name: str
    wall_s: float = 0.0
    python_cpu_s: float = 0.0
    java_cpu_s: float = 0.0
    children: list[Span] = field(default_factory=list)

    @property
    def cpu_s(self) -> float:
        return self.python_cpu_s + self.java_cpu_s

    @property
    def own_cpu_s(self) -> float:
        """What none of its children spent."""
        return self.cpu_s - sum(child.cpu_s for child in self.children)

    def walk(self, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Span]]:
        """It and all below it, each with the names that lead to it."""
        here = (*path, self.name)
        yield here, self
        for child in self.children:
            yield from child.walk(here)


_open: list[tuple[Span, tuple[float, float, float]]] = []


@contextmanager
def profile(name: str) -> Iterator[Span]:
    """Gather spans while the block runs; the first is what this process spent since it began."""
    root = Span(name)
    began = (time.perf_counter() - (time.time() - psutil.Process().create_time()), 0.0, 0.0)
    _open.append((root, began))
    start = Span("start Python")
    root.children.append(start)
    _open.append((start, began))
    leave()
    try:
        yield root
    finally:
        while _open:
            leave()


@contextmanager
def span(name: str) -> Iterator[None]:
    """A part of what is being gathered; nothing where nobody asked."""
    entered = enter(name)
    try:
        yield
    finally:
        while entered is not None and any(one is entered for one, _ in _open):
            leave()


def enter(name: str) -> Span | None:
    """Begin a part, which `leave` ends; None where nothing is gathered."""
    if not _open:
        return None
    begun = Span(name)
    _open[-1][0].children.append(begun)
    _open.append((begun, _now()))
    return begun


def leave() -> None:
    """End the part that began last."""
    if _open:
        ended, before = _open.pop()
        ended.wall_s, ended.python_cpu_s, ended.java_cpu_s = (b - a for a, b in zip(before, _now()))


def at_once(usual: int) -> int:
    """How many things may go on side by side: one while a profile is gathered."""
    return 1 if _open else usual


def _now() -> tuple[float, float, float]:
    """Seconds on the clock, CPU seconds of this process, CPU seconds of its Java."""
    java = 0.0
    for child in psutil.Process().children(recursive=True):
        try:
            if child.name() == "java":
                java += sum(child.cpu_times()[:2])
        except psutil.Error:
            continue
    return time.perf_counter(), time.process_time(), java
