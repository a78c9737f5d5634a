"""Fits side by side: a small one is a chain of tiny jobs and leaves every core but one idle."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from lakehouse import profiling

Result = TypeVar("Result")
Given = TypeVar("Given")

AT_ONCE = 2


def each(call: Callable[[Given], Result], given: Iterable[Given], at_once: int = AT_ONCE) -> list[Result]:
    """`call` of each, in the order given; the fits share nothing, so `at_once` does not change the results."""
    with ThreadPoolExecutor(profiling.at_once(at_once)) as pool:
        return list(pool.map(call, given))
