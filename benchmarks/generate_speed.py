"""CPU seconds and peak memory of the generator, in a process of its own.

python benchmarks/generate_speed.py [--customers N] [--days D] [--seed S] [--json]

The bound for 100,000 customers over 365 days (5 M events) is 120 CPU seconds and 4 GiB.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

from lakehouse.synth import generate


def measure(customers: int, days: int, seed: int) -> dict[str, float]:
    """Generate into a scratch directory; seconds, MiB and rows."""
    with tempfile.TemporaryDirectory() as scratch:
        began = time.perf_counter()
        summary = generate(Path(scratch), customers=customers, days=days, seed=seed)
        wall = time.perf_counter() - began
        size = sum(path.stat().st_size for path in Path(scratch).rglob("*") if path.is_file())
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "customers": customers,
        "days": days,
        "events": summary.events,
        "order_lines": summary.order_lines,
        "defects": summary.defects,
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),  # imports included
        "wall_seconds": round(wall, 1),
        "peak_rss_mib": round(usage.ru_maxrss / 1024),
        "written_mib": round(size / 2**20, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    figures = measure(arguments.customers, arguments.days, arguments.seed)
    if arguments.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name:<14} {value:>12,}")


if __name__ == "__main__":
    main()
