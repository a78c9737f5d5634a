"""A home with published gold, and servers over it, as the command starts them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import write_deltalake
from pyhive import hive

from lakehouse import ops
from lakehouse.publication import publish
from lakehouse.settings import Settings, load_settings

CUSTOMERS = pa.schema(
    {
        "customer_id": pa.string(),
        "birth_on": pa.date32(),
        "last_ordered_at": pa.timestamp("us", tz="UTC"),
        "net_amount": pa.decimal128(18, 2),
        "order_count": pa.int64(),
        "churn_probability": pa.float64(),
        "has_consent": pa.bool_(),
    }
)


def customers(amount: str) -> pa.Table:
    """Two customers whose amounts add up to twice `amount`; one of them has no birthday."""
    return pa.table(
        {
            "customer_id": ["c1", "c2"],
            "birth_on": [date(1980, 2, 29), None],
            "last_ordered_at": [datetime(2025, 12, 31, 23, 59, 58, tzinfo=timezone.utc)] * 2,
            "net_amount": [Decimal(amount)] * 2,
            "order_count": [3, 4],
            "churn_probability": [0.25, 0.5],
            "has_consent": [True, False],
        },
        schema=CUSTOMERS,
    )


def home_with_gold(folder: Path) -> Settings:
    """A home: two published tables of gold that tell the same number, an unpublished one, and silver."""
    settings = load_settings(home=folder)
    ops.ensure_tables(settings)
    write(settings, "silver", "customers", customers("1.00"))
    write(settings, "bronze", "customers", customers("1.00"))
    put_set(settings, 1)
    write(settings, "gold", "mart_unpublished", customers("1.00"))
    return settings


def put_set(settings: Settings, number: int) -> None:
    """Build and publish a set in which every table says `number`."""
    write(settings, "gold", "dim_customer", customers(f"{number}.00"))
    write(
        settings,
        "gold",
        "mart_totals",
        pa.table({"total_amount": pa.array([Decimal(2 * number)], pa.decimal128(18, 2))}),
    )
    publish(settings, f"run {number}", datetime.now(timezone.utc), "2025-12-31", str(number))


def write(settings: Settings, schema: str, table: str, rows: pa.Table) -> None:
    write_deltalake(settings.table_uri(schema, table), rows, mode="overwrite", schema_mode="overwrite")


@dataclass
class Server:
    """`lakehouse sql-server` in a process of its own."""

    process: subprocess.Popen[str]
    port: int
    log: Path

    @classmethod
    def start(cls, settings: Settings, role: str, **environment: str) -> Server:
        log = settings.home / f"server-{role}.log"
        command = [sys.executable, "-m", "lakehouse", "sql-server", "--role", role, "--port", "0"]
        given = {"LAKEHOUSE_HOME": str(settings.home), "LAKEHOUSE_SQL_MEMORY": "512m", **environment}
        with open(log, "w") as said:
            process = subprocess.Popen(command, env={**os.environ, **given}, stdout=said, stderr=said, text=True)
        server = cls(process, 0, log)
        server.port = int(server.wait_for("ready:").rsplit(":", 1)[1])
        return server

    def wait_for(self, words: str, count: int = 1, seconds: int = 1000) -> str:
        """The line of the log that begins with these words, the `count`th."""
        for _ in range(seconds * 2):
            lines = [line for line in self.log.read_text().splitlines() if line.startswith(words)]
            if len(lines) >= count:
                return lines[count - 1]
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.5)
        raise AssertionError(f"no {words!r} in {self.log.read_text()}")

    def connect(self, user: str = "anna", password: str = "none", **more: Any) -> hive.Connection:
        return hive.connect("127.0.0.1", self.port, username=user, password=password, auth="CUSTOM", **more)

    def rows(self, statement: str, **login: Any) -> list[tuple[Any, ...]]:
        with self.connect(**login) as connection:
            cursor = connection.cursor()
            cursor.execute(statement)
            try:
                return [tuple(row) for row in cursor.fetchall()]
            except TypeError:  # PyHive, of a statement that answers nothing
                return []

    def refusal(self, statement: str, **login: Any) -> str:
        """What the server says to a statement that it refuses."""
        try:
            with self.connect(**login) as connection:
                connection.cursor().execute(statement)
        except hive.OperationalError as error:
            return str(error.args[0].status.errorMessage)
        raise AssertionError(f"not refused: {statement}")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
