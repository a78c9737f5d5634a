"""What a batch of 1 % of the rows, and nothing new, cost beside the first run; two sizes, with the growth exponent.

python benchmarks/increments.py [--customers N N] [--days D] [--share 0.01] [--keep FOLDER]

A shop is generated and the last rows of its orders, events and impressions are held back. Each run is a process of its
own; CPU seconds are those of the process and its Java.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq

from lakehouse.synth import generate

FACTS = ("orders/orders-*.csv.gz", "app/events-*.jsonl.gz", "ads/impressions-*.parquet")
RUNS = ("first run", "1 % more", "nothing new")


def hold_back(shop: Path, share: float) -> tuple[int, int, Callable[[], None]]:
    """Take the last rows out of the files; the rows left, the rows taken, and a call that brings them as new files."""
    left, taken, bring = 0, 0, []
    for pattern in FACTS:
        files = sorted(shop.glob(pattern))
        counts = [count(file) for file in files]
        few = round(share * sum(counts))
        if few >= counts[-1]:
            raise SystemExit(f"{files[-1]} has {counts[-1]} rows, fewer than {few} to hold back")
        bring.append(split(files[-1], counts[-1] - few))
        left, taken = left + sum(counts) - few, taken + few
    return left, taken, lambda: [call() for call in bring] and None


def count(file: Path) -> int:
    if file.suffix == ".parquet":
        return int(pq.ParquetFile(file).metadata.num_rows)
    with gzip.open(file) as lines:
        return sum(1 for _ in lines) - (".csv" in file.name)


def split(file: Path, kept: int) -> Callable[[], None]:
    """Keep the first rows of a file; the call writes the others beside it."""
    new = file.with_name(file.name.replace(".", "-more.", 1))
    if file.suffix == ".parquet":
        rows = pq.read_table(file)
        pq.write_table(rows.slice(0, kept), file)
        return lambda: pq.write_table(rows.slice(kept), new)
    with gzip.open(file) as read:
        lines = read.readlines()
    header = lines[:1] if ".csv" in file.name else []
    lines = lines[len(header) :]
    _write(file, header + lines[:kept])
    return lambda: _write(new, header + lines[kept:])


def _write(file: Path, lines: list[bytes]) -> None:
    with gzip.open(file, "wb", compresslevel=1) as out:
        out.writelines(lines)


def run(home: Path, source: Path) -> dict[str, object]:
    """One run in a fresh process."""
    command = [
        sys.executable,
        str(Path(__file__).with_name("run_cost.py")),
        "--home",
        str(home),
        "--source",
        str(source),
    ]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def measure(folder: Path, customers: int, days: int, share: float) -> dict[str, dict[str, object]]:
    """The three runs of a shop of this size."""
    generate(folder / "shop", customers=customers, days=days, seed=7)
    left, taken, bring = hold_back(folder / "shop", share)
    home, source = folder / "home", folder / "shop" / "source.yml"
    print(f"{customers:,} customers: {left:,} rows, then {taken:,} more", flush=True)
    costs = {}
    for name in RUNS:
        if name == RUNS[1]:
            bring()
        costs[name] = run(home, source)
        _tell(name, costs[name], float(str(costs[RUNS[0]]["cpu_s"])))
    costs["rows"] = {"first": left, "more": taken}
    return costs


def _tell(name: str, cost: dict[str, object], first: float) -> None:
    cpu = float(str(cost["cpu_s"]))
    print(f"  {name:<12}{cpu:>9.1f} CPU s{100 * cpu / first:>8.1f} %{cost['wall_s']!s:>9} s wall", flush=True)
    steps = cost["steps"]
    assert isinstance(steps, list)
    for step in steps:
        used = step["python_cpu_s"] + step["java_cpu_s"]
        print(f"      {step['step']:<18}{used:>8.1f}  {step['what'][:90]}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, nargs="+", default=[2500, 13500])
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--share", type=float, default=0.01)
    parser.add_argument("--keep", type=Path, help="where shops and homes stay")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        sizes = [
            measure((given.keep or Path(scratch)) / str(customers), customers, given.days, given.share)
            for customers in given.customers
        ]
    if len(sizes) > 1:
        small, large = sizes[0], sizes[-1]
        growth = math.log(float(str(large["rows"]["first"])) / float(str(small["rows"]["first"])))
        for name in RUNS:
            times = float(str(large[name]["cpu_s"])) / float(str(small[name]["cpu_s"]))
            print(f"{name}: CPU grows with rows ^ {math.log(times) / growth:.2f}")


if __name__ == "__main__":
    main()
