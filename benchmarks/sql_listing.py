"""What dbt waits for as it starts: the listing of a schema of many Delta tables through the engineers' SQL server.

    python benchmarks/sql_listing.py [--tables 500]

dbt-spark lists by `show table extended in … like '*'` (dbt-spark#228: minutes, where each table is opened for it).
Prints the seconds of that, of `show tables`, and of `describe` of ten single tables, which is what it spares.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
from deltalake import write_deltalake
from pyhive import hive


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tables", type=int, default=500)
    count = options.parse_args().tables
    with tempfile.TemporaryDirectory() as home:
        rows = pa.table({"customer_id": ["c1"], "amount": [1.0]})
        for number in range(count):
            write_deltalake(Path(home) / "dev" / "dev_many.db" / f"t{number:04}", rows)
        command = [sys.executable, "-m", "lakehouse", "sql-server", "--role", "engineer", "--port", "0"]
        environment = {**os.environ, "LAKEHOUSE_HOME": home}
        began = time.perf_counter()
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline().rsplit(":", 1)[1])
            print(json.dumps({"tables": count, "ready_after": round(time.perf_counter() - began, 1)}), flush=True)
            print(json.dumps({"load": os.getloadavg()[0], **listings(port, count)}), flush=True)
        finally:
            process.terminate()
            process.wait(60)


def listings(port: int, count: int) -> dict[str, float]:
    """Seconds of each way."""
    found = {}
    with hive.connect("127.0.0.1", port, username="many", password="none", auth="CUSTOM") as connection:
        cursor = connection.cursor()
        for turn in ("first", "again"):
            for statement in ("show table extended in dev_many like '*'", "show tables in dev_many"):
                began = time.perf_counter()
                cursor.execute(statement)
                assert len(cursor.fetchall()) == count
                found[f"{statement}, {turn}"] = round(time.perf_counter() - began, 2)
        began = time.perf_counter()
        for number in range(10):
            cursor.execute(f"describe extended dev_many.t{number:04}")
            cursor.fetchall()
        found["describe extended, ten tables"] = round(time.perf_counter() - began, 2)
    return found


if __name__ == "__main__":
    main()
