"""What reading a table of a million rows costs, by connections, and what a read of nothing new and of 1 % costs.

    .venv/bin/python benchmarks/database_read.py [ROWS]

Starts a PostgreSQL and a MariaDB server of its own; CPU seconds are those of Python and Java, not of the server.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lakehouse.bronze import land
from lakehouse.session import open_session
from lakehouse.settings import Settings, load_settings
from lakehouse.sources import parse_source
from tests.integration.databases.servers import PASSWORD, STARTS, USER, Server

TABLE = """
create table order_lines (id int primary key, order_no varchar(20), customer varchar(20), article varchar(20),
    placed_at {time} not null, changed_at {time} not null, quantity int, price decimal(12,4));
insert into order_lines select {n}, concat('o', floor({n} / 3)), concat('c', {n} % 50000), concat('a', {n} % 3000),
    {start} + interval {seconds}, {start} + interval {seconds}, {n} % 7, ({n} % 10000) / 100.0 from {numbers};
create index by_change on order_lines (changed_at);
"""


def fill(server: Server, rows: int) -> None:
    if server.scheme == "postgresql":
        words = {"time": "timestamp", "n": "n", "seconds": "'1 second' * n", "numbers": f"generate_series(1, {rows}) n"}
        words["start"] = "timestamp '2024-01-01'"
    else:
        words = {"time": "datetime(6)", "n": "seq", "seconds": "seq second", "numbers": f"seq_1_to_{rows}"}
        words["start"] = "timestamp'2024-01-01 00:00:00'"
    server.run(TABLE.format(**words))


def cpu_seconds() -> float:
    """CPU of this process and of its Java."""
    me = psutil.Process()
    family = [me, *(child for child in me.children(recursive=True) if child.name() == "java")]
    return sum(process.cpu_times().user + process.cpu_times().system for process in family)


def measure(settings: Settings, server: Server, what: str, whole: bool = False, **options: str) -> None:
    lines = {
        "path": server.jdbc,
        "user": USER,
        "password": "${BENCHMARK_PASSWORD}",
        "table": "order_lines",
        "key": ["order_id", "line_number"],
        "columns": {"order_id": "order_no", "line_number": "id"},
        **options,
    }
    source = parse_source({"name": "bench", "entities": {"order_lines": lines}}, Path.cwd())
    cpu, begun = cpu_seconds(), time.monotonic()
    loads = land(settings, [source], "bench", datetime.now(timezone.utc), whole_tables=whole)
    seconds, landed = time.monotonic() - begun, sum(load.rows_landed for load in loads)
    print(f"{server.scheme:<12} {what:<34} {landed:>9,} rows {seconds:7.1f} s {cpu_seconds() - cpu:7.1f} CPU s")


def main(rows: int) -> None:
    os.environ["BENCHMARK_PASSWORD"] = PASSWORD
    home = Path(tempfile.mkdtemp(prefix="lakehouse-bench-"))
    cpu = cpu_seconds()
    open_session(load_settings(home=home / "session", spark_master="local[2]")).range(10).count()
    print(f"session started: {cpu_seconds() - cpu:.1f} CPU s")
    for scheme, start in STARTS.items():
        server = start()
        try:
            fill(server, rows)
            for number, connections in enumerate(("1", "2")):
                settings = load_settings(home=home / f"{scheme}-{number}")
                parts = {"partition_column": "id", "max_connections": connections, "watermark": "changed_at"}
                measure(settings, server, f"whole, {connections} connection(s)", **parts)
            measure(settings, server, "whole again, unchanged", whole=True, **parts)
            measure(settings, server, "nothing new", **parts)
            later = "interval '13 days'" if scheme == "postgresql" else "interval 13 day"
            server.run(
                f"update order_lines set changed_at = timestamp '2024-01-01 00:00:00' + {later}, quantity = 9 "
                "where id % 100 = 0"
            )
            measure(settings, server, "1 % changed", **parts)
        finally:
            server.stop()
    shutil.rmtree(home)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
