"""Two ways to publish all gold tables of a home, in one run: a pointer to versions, and shallow clones.

    python benchmarks/publication_ways.py [--home DIR] [--rounds N]

For each way: wall and CPU seconds of publishing, and of the first read of one table by a reader. Needs a home that
`lakehouse run` has filled.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from statistics import median

from benchmarks.run_cost import cpu_and_memory
from lakehouse import ops, publication
from lakehouse.session import open_session
from lakehouse.settings import Settings, load_settings
from lakehouse.storage import list_tables

READ = "select count(*), max(customer_id) from {}"


def measured(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds (Python and JVM) of a piece of work."""
    wall, (python, java, _) = time.perf_counter(), cpu_and_memory()
    work()
    then_python, then_java, _ = cpu_and_memory()
    return time.perf_counter() - wall, then_python - python + then_java - java


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=load_settings().home)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        shutil.copytree(given.home / "tables", home / "tables")
        compare(load_settings(home=home), given.rounds)


def compare(settings: Settings, rounds: int) -> None:
    """Alternate the two ways on a copy of the home; print medians."""
    spark = open_session(settings)
    tables = [table for schema, table in list_tables(settings) if schema == "gold"]
    schemas: list[str] = []
    now = datetime.now(timezone.utc)

    def by_pointer() -> None:
        publication.publish(settings, "run", now, "2025-12-31", "f")

    def by_clones() -> None:
        # A set of its own each time: Delta refuses to clone over a table that has rows.
        schemas.append(f"clones_{len(schemas)}")
        spark.sql(f"create schema {schemas[-1]} location '{settings.home / schemas[-1]}'")
        for table in tables:
            spark.sql(f"create table {schemas[-1]}.{table} shallow clone gold.{table}").collect()

    def read_pinned() -> None:
        published = publication.current(settings)
        assert published is not None
        path, version = settings.table_path("gold", "dim_customer"), published.tables["gold.dim_customer"]
        spark.sql(READ.format(f"delta.`{path}` version as of {version}")).collect()

    def read_clone() -> None:
        spark.sql(READ.format(f"{schemas[-1]}.dim_customer")).collect()

    ways = {"pointer": (by_pointer, read_pinned), "shallow clones": (by_clones, read_clone)}
    figures: dict[str, list[tuple[float, float, float, float]]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, (publish, read) in ways.items():
            spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()
            figures[name].append((*measured(publish), *measured(read)))
    print(f"{len(tables)} gold tables, {rounds} rounds, medians")
    print(f"{'way':<16}{'publish wall s':>15}{'CPU s':>8}{'first read wall s':>19}{'CPU s':>8}")
    for name, rows in figures.items():
        wall, cpu, read_wall, read_cpu = (median(row[place] for row in rows) for place in range(4))
        print(f"{name:<16}{wall:>15.3f}{cpu:>8.2f}{read_wall:>19.3f}{read_cpu:>8.2f}")
    runs = [row for row in ops.read(settings, "runs") if row["state"] == "done"]
    last = [row for row in runs if row["run_id"] == max(row["run_id"] for row in runs)]
    whole = sum((row["ended_at"] - row["started_at"]).total_seconds() for row in last)
    pointer = median(row[0] for row in figures["pointer"])
    print(f"the pointer is {pointer / whole:.3%} of the wall seconds of the home's last run ({whole:.0f} s)")


if __name__ == "__main__":
    main()
