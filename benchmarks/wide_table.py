"""Memory, wall and CPU seconds of landing a long file into a bronze table of thousands of columns.

PYTHONPATH=. python benchmarks/wide_table.py [--columns N] [--bomb NAME]    a bomb of tests/fuzz/bombs.py
"""

from __future__ import annotations

import argparse
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path

from lakehouse.bronze import land
from lakehouse.settings import Settings, load_settings
from lakehouse.sources import parse_source
from tests.fuzz.bombs import BOMBS
from tests.fuzz.feeding import peak_mib, reset_peak

NOON = datetime(2025, 1, 1, 12, tzinfo=timezone.utc)


def land_one(settings: Settings, folder: Path, source: str, path: str) -> int:
    """Land a file as a source of its own; returns the rows that landed."""
    products = {"path": path, "columns": {"product_id": "concat(_file, '-', _row_number)"}}
    loads = land(settings, [parse_source({"name": source, "entities": {"products": products}}, folder)], "run", NOON)
    return loads[0].rows_landed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--columns", type=int, default=3_012, help="of the table, beside those of the lineage")
    parser.add_argument("--bomb", choices=sorted(BOMBS), default="long values in a dictionary")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        settings = load_settings(home=folder / "home")
        names = [f"c{i}" for i in range(given.columns)]
        (folder / "wide.csv").write_text(",".join(names) + "\n" + ",".join("1" for _ in names) + "\n")
        land_one(settings, folder, "wide", "wide.csv")
        name, make, _, _ = BOMBS[given.bomb]
        (folder / name).write_bytes(make())
        reset_peak()
        wall, cpu = time.perf_counter(), time.process_time()
        rows = land_one(settings, folder, "long", name)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(f"{given.bomb}: {rows:,} rows, {peak_mib():,} MiB, {wall:.1f} s, {cpu:.1f} CPU s")


if __name__ == "__main__":
    main()
