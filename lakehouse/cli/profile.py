"""A profile on the screen: the steps, and the parts that spent most by themselves."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from lakehouse.cli.screen import print_rows
from lakehouse.profile_page import write_profile_page
from lakehouse.profiling import Span

MOST_PARTS = 15


def print_profile(screen: Console, root: Span, page: Path) -> None:
    """Show the steps and what spent most by itself; write the page with all parts."""
    write_profile_page(root, page)
    steps = [
        (
            step.name,
            f"{step.cpu_s:.1f}",
            f"{step.cpu_s / root.cpu_s:.0%}",
            f"{step.java_cpu_s:.1f}",
            f"{step.wall_s:.1f}",
        )
        for step in [*root.children, root]
    ]
    parts = sorted(root.walk(), key=lambda found: -found[1].own_cpu_s)[:MOST_PARTS]
    screen.print()
    print_rows(screen, ("step", "CPU s", "share", "of them Java's", "seconds"), steps)
    screen.print()
    print_rows(
        screen,
        ("what spent most by itself", "CPU s", "share"),
        [
            (" / ".join(names[1:]), f"{part.own_cpu_s:.1f}", f"{part.own_cpu_s / root.cpu_s:.0%}")
            for names, part in parts
            if part is not root
        ],
    )
    screen.print(f"all parts: {page}", markup=False, soft_wrap=True)
