"""A whole first run within so much memory: a control group of the kernel ends it where it takes more.

    sudo python benchmarks/within_memory.py [--gib 4] [--customers 135000] [--keep FOLDER]

The group is made at the top (cgroup v1 or v2, by root). Prints the most memory of each step: of all
processes of the run, without what the kernel keeps of files.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lakehouse.progress_lines import MARK, event_of
from lakehouse.session import CONTROL_GROUPS, LIMITS_OF_GROUPS
from lakehouse.synth import generate

HELD = {"memory": "total_rss", "": "anon"}
"""By the controller's name what `memory.stat` calls the memory of processes."""


@contextmanager
def limited(gib: float) -> Iterator[tuple[Path, str]]:
    """A control group with this limit, and the name of what its processes hold in its `memory.stat`.

    Raises:
        SystemExit: it cannot be made here.
    """
    controller = "memory" if (CONTROL_GROUPS / "memory").is_dir() else ""
    group = CONTROL_GROUPS / controller / f"lakehouse-{os.getpid()}"
    try:
        group.mkdir()
        (group / LIMITS_OF_GROUPS[controller]).write_text(str(int(gib * 2**30)))
    except OSError as error:
        raise SystemExit(f"a control group with a limit on memory cannot be made here: {error}; run as root") from None
    try:
        yield group, HELD[controller]
    finally:
        group.rmdir()


def run(home: Path, source: Path, group: Path, held: str) -> int:
    """One run in the group, told step by step; its exit code."""
    command = [sys.executable, "-m", "lakehouse", "run", "--json-progress", "--source", str(source)]
    running = subprocess.Popen(
        command,
        env={**os.environ, "LAKEHOUSE_HOME": str(home)},
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: (group / "cgroup.procs").write_text(str(os.getpid())) and None,
    )
    most: dict[str, int] = {}  # by step
    step = "before"
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.2):
            for line in (group / "memory.stat").read_text().splitlines():
                name, _, told = line.partition(" ")
                if name == held:
                    most[step] = max(most.get(step, 0), int(told))

    def tell(what: str) -> None:
        print(f"{step:<18}{most.get(step, 0) / 2**20:>8,.0f} MiB {what}", flush=True)

    watch = threading.Thread(target=look)
    watch.start()
    assert running.stdout is not None
    for line in running.stdout:
        event = event_of(line)
        if event is not None and event[MARK] == "started":
            step = event["step"]
        if event is not None and event[MARK] == "ended":
            tell(f"{event['seconds']:>8.1f} s  {event['message']}")
            step = "after"
        if event is not None and event[MARK] == "failed":
            tell(event["sentence"])
    code = running.wait()
    over.set()
    watch.join()
    tell("between and after these steps")
    print(f"{'the whole run':<18}{max(most.values()) / 2**20:>8,.0f} MiB")
    return code


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gib", type=float, default=4)
    parser.add_argument("--customers", type=int, default=135_000, help="1.04 M order lines, 6.7 M events")
    parser.add_argument("--keep", type=Path, help="where the shop and its home stay")
    given = parser.parse_args()
    with limited(given.gib) as (group, held), tempfile.TemporaryDirectory() as scratch:
        folder = given.keep or Path(scratch)
        if not (folder / "shop").exists():
            generate(folder / "shop", customers=given.customers, days=365, seed=7)
        if code := run(folder / "home", folder / "shop" / "source.yml", group, held):
            raise SystemExit(f"the run ended with {code}" + (", by the kernel: out of memory" if code == -9 else ""))


if __name__ == "__main__":
    main()
