"""Each step of the main job beside what its best single-machine user would write, on the same generated shop.

python benchmarks/bench.py [--size small|1m|5m] [--customers N ...] [--rounds N] [--folder DIR] [--out FILE] [--record]

Every step of either side runs in a fresh process; the sides take turns, and who begins changes from round to round.
After each step what they made is compared: tables must have the same rows and values (benchmarks/peers/same.py), models
must be as good (benchmarks/models_compared.py). A peer that fails, for want of memory or disk, is left out from there.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import date
from importlib.metadata import version
from pathlib import Path

import psutil

from benchmarks import models_compared, shop
from benchmarks.measured import Cost, Ended, measured

ROOT = Path(__file__).parent
PEERS = ROOT / "peers"
PEERS_PYTHON = Path(os.environ.get("LAKEHOUSE_PEERS", ROOT.parent / ".venv-peers")) / "bin" / "python"
TABLES = ("start", "bronze", "silver", "expectations", "gold", "merge", "tiny")
TOGETHER = ("bronze", "silver", "gold", "merge")
SIZES = {
    "small": ([2500], 3),
    "100k": ([2500, 13_500], 3),
    "1m": ([2500, 13_500, 135_000], 1),
    "5m": ([13_500, 135_000, 675_000], 1),
}
"""Customers of each shop, and rounds."""
FILES = {"lines": "orders-*.csv.gz", "events": "events-*.jsonl.gz"}
RECORDED = ROOT / "recorded_ratios.json"
MODELS = ("als", "top_k", "k_means", "regression")


@dataclass(frozen=True)
class Peer:
    """Somebody who does the same: a script below benchmarks/peers and the steps that it has."""

    script: str
    steps: tuple[str, ...]


PEERS_OF_TABLES = {
    "duckdb": Peer("duckdb_lakehouse.py", TABLES),
    "polars": Peer("polars_lakehouse.py", ("start", *TOGETHER)),
}
PEERS_OF_MODELS = {"libraries": Peer("library_models.py", MODELS)}


@dataclass
class Result:
    """A step at a size: what each side cost in each round."""

    step: str
    customers: int
    sides: dict[str, list[Cost]] = field(default_factory=dict)

    def add(self, side: str, cost: Cost) -> None:
        """One more round of a side."""
        self.sides.setdefault(side, []).append(cost)

    @property
    def ours(self) -> list[Cost]:
        return self.sides["ours"]

    @property
    def best(self) -> str:
        """The peer that costs least by the median of the rounds so far."""
        return min((side for side in self.sides if side != "ours"), key=lambda side: cpu(self.sides[side]))

    @property
    def peer(self) -> list[Cost]:
        """What the best peer cost."""
        return self.sides[self.best]

    def tell(self) -> None:
        """Print the last round, the best peer first."""
        ours, peer = self.ours[-1], self.peer[-1]
        others = "".join(f"; {side} {costs[-1].cpu_s:.1f}" for side, costs in self.sides.items() if side in self.others)
        print(
            f"{self.customers:>9,} {self.step:<13}{ours.cpu_s:>8.1f}{peer.cpu_s:>8.1f} CPU s {self.ratios[-1]:>7.2f} x"
            f"{ours.wall_s:>8.1f}{peer.wall_s:>8.1f} s{ours.peak_mib:>7.0f}{peer.peak_mib:>7.0f} MiB"
            f"{ours.written_mib:>6.0f}{peer.written_mib:>6.0f} MiB written ({self.best}{others})",
            flush=True,
        )

    @property
    def others(self) -> list[str]:
        """Peers that cost more than the best."""
        return [side for side in self.sides if side not in ("ours", self.best)]

    @property
    def ratios(self) -> list[float]:
        """CPU seconds of ours over the peer's, round by round."""
        return [a.cpu_s / b.cpu_s for a, b in zip(self.ours, self.peer, strict=True)]

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)


def cpu(costs: Iterable[Cost]) -> float:
    """The median of the rounds' CPU seconds."""
    return statistics.median(cost.cpu_s for cost in costs)


def bench(folder: Path, customers: int, rounds: int) -> list[Result]:
    """All steps of a shop of this size."""
    directory = folder / f"shop-{customers}"
    shop.make(directory, customers)
    results = {step: Result(step, customers) for step in (*TABLES, *MODELS)}
    for number in range(rounds):
        sides = ("ours", *PEERS_OF_TABLES) if number % 2 == 0 else (*reversed(PEERS_OF_TABLES), "ours")
        homes = {side: folder / side for side in sides}
        for home in homes.values():
            shutil.rmtree(home, ignore_errors=True)
            home.mkdir(parents=True)
        shop.take_away(directory)
        for step in TABLES:
            peers = [side for side in sides if side != "ours" and step in PEERS_OF_TABLES[side].steps]
            if not peers:
                continue
            if step == "merge":
                _run_peer("model_inputs.py", str(directory), str(homes[peers[0]] / "tables"), str(folder))
                shop.bring(directory)
            for side in [side for side in sides if side in ("ours", *peers)]:
                tables = homes[side] if side == "ours" else homes[side] / "tables"
                try:
                    results[step].add(side, _cost(side, PEERS_OF_TABLES, homes[side], step, directory, tables))
                except Ended as ended:
                    if side == "ours" or len(sides) == 2:
                        raise
                    why = str(ended).splitlines()[-1]
                    print(f"{customers:>9,} {step:<13} {side} is left out from here on, it failed: {why}", flush=True)
                    sides = tuple(other for other in sides if other != side)
            for side in peers if step != "start" else ():
                if side in sides:
                    _run_peer("same.py", *(str(homes[one] / "tables") for one in ("ours", side)), step)
            results[step].tell()
        for step in MODELS:
            for side in ("ours", "libraries") if number % 2 == 0 else ("libraries", "ours"):
                home = homes["ours"] if side == "ours" else folder
                results[step].add(side, _cost(side, PEERS_OF_MODELS, home, step, folder, folder / f"{side}-{step}.npz"))
            ours, theirs = folder / f"ours-{step}.npz", folder / f"libraries-{step}.npz"
            if step == "als":
                shutil.copy(theirs, folder / "factors.npz")
            models_compared.compare(step, folder, ours, theirs)
            results[step].tell()
    return [result for result in results.values() if result.sides]


def _cost(side: str, peers: dict[str, Peer], home: Path, *given: object) -> Cost:
    """What a step of a side costs: of ours.py, or of that peer's script."""
    script = [sys.executable, ROOT / "ours.py"] if side == "ours" else [PEERS_PYTHON, PEERS / peers[side].script]
    return measured([str(part) for part in (*script, *given)], home, _environment(side))


def _environment(side: str) -> dict[str, str]:
    if side == "ours":
        return {**os.environ, "PYTHONPATH": str(ROOT.parent)}
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def _run_peer(script: str, *given: str) -> None:
    """Something of the peers' that is not measured.

    Raises:
        SystemExit: it failed; says what it wrote.
    """
    command = [str(PEERS_PYTHON), str(PEERS / script), *given]
    done = subprocess.run(command, capture_output=True, text=True, env=_environment("peer"))
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr[-2000:]}")


def growth(results: list[Result]) -> list[tuple[str, str, str]]:
    """Of each step, and of bronze to merge together: the exponents of CPU seconds over customers, of both sides."""
    told = []
    for name, steps in (*((step, (step,)) for step in (*TABLES, *MODELS)), ("bronze to merge", TOGETHER)):
        exponents = []
        for side in ("ours", "peer"):
            totals: dict[int, float] = {}
            for result in results:
                if result.step in steps:
                    totals[result.customers] = totals.get(result.customers, 0.0) + cpu(getattr(result, side))
            pairs = list(zip(sorted(totals), sorted(totals)[1:]))
            exponents.append(", ".join(f"{math.log(totals[b] / totals[a]) / math.log(b / a):.2f}" for a, b in pairs))
        told.append((name, *exponents))
    return told


def slower(results: list[Result], recorded: dict[str, float], most: float) -> list[str]:
    """The steps whose ratio was above `most` times the recorded one in every round, in a sentence each."""
    told = []
    for result in results:
        before = recorded.get(f"{result.customers} {result.step}")
        if before is not None and min(result.ratios) > most * before:
            told.append(
                f"{result.step} at {result.customers:,} customers: {min(result.ratios):.2f} x the peer, "
                f"was {before:.2f}"
            )
    return told


def machine() -> str:
    """What this ran on."""
    told = Path("/proc/cpuinfo").read_text().splitlines()
    processor = next(
        (line.split(":", 1)[1].strip() for line in told if "model name" in line),
        platform.machine(),
    )
    ours = [
        f"{name} {version(name)}" for name in ("pysail", "deltalake", "dbt-core", "pyarrow", "scikit-learn", "implicit")
    ]
    listed = (PEERS / "requirements.in").read_text().splitlines()
    peers = ", ".join(line.replace("==", " ") for line in listed if "==" in line)
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"Measured on {date.today()}: {os.cpu_count()} cores of {processor}, {memory:.0f} GiB, Python "
        f"{platform.python_version()}. Ours: {', '.join(ours)}. Peers: {peers}."
    )


def counted(directory: Path) -> dict[str, int]:
    """Order lines and events of a shop, the later ones too."""
    return {name: sum(shop.count(file) for file in directory.rglob(pattern)) for name, pattern in FILES.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="small", help="how many order lines at most")
    parser.add_argument("--customers", type=int, nargs="+", help="sizes of one's own")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--folder", type=Path, help="where the shops stay for the next time")
    parser.add_argument("--out", type=Path, help="all figures as JSON, of which benchmarks/page.py makes a page")
    parser.add_argument("--record", action="store_true", help=f"keep the ratios in {RECORDED.name} to be compared with")
    parser.add_argument(
        "--most-slower", type=float, default=1.1, help="how many times a recorded ratio may be (another machine: 2)"
    )
    given = parser.parse_args()
    sizes, rounds = SIZES[given.size]
    sizes, rounds = given.customers or sizes, given.rounds or rounds
    told, results = [], []
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for customers in sizes:
            of_size = bench(folder, customers, rounds)
            results += of_size
            steps = [
                {"step": r.step, "best": r.best, **{side: [asdict(c) for c in r.sides[side]] for side in r.sides}}
                for r in of_size
            ]
            told.append({"customers": customers, **counted(folder / f"shop-{customers}"), "steps": steps})
            if given.out:  # after each size: the largest takes most of an hour
                content = {"machine": machine(), "sizes": told, "growth": growth(results)}
                given.out.write_text(json.dumps(content, indent=1) + "\n")
    grown = growth(results)
    for name, ours, peer in grown if len(sizes) > 1 else ():
        print(f"{name:<16} CPU seconds grow with customers ^ {ours} (peer: {peer})")
    recorded = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
    if given.record:
        recorded |= {f"{result.customers} {result.step}": round(result.ratio, 2) for result in results}
        RECORDED.write_text(json.dumps(recorded, indent=1, sort_keys=True) + "\n")
    elif faults := slower(results, recorded, given.most_slower):
        raise SystemExit(
            f"more than {given.most_slower} times the recorded ratio in every round:\n  " + "\n  ".join(faults)
        )


if __name__ == "__main__":
    main()
