"""What other clients than PyHive make of the server: Hive's JDBC driver, and impyla in an environment of its own."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pyspark
import pytest

from lakehouse.session import java_home
from lakehouse.settings import CHECKOUT
from tests.sql.servers import Server, home_with_gold

IMPYLA = CHECKOUT / ".venv-impyla" / "bin" / "python"
COLUMNS = "birth_on, last_ordered_at, net_amount, order_count, has_consent"
VALUES = f"select {COLUMNS} from gold.dim_customer where customer_id = 'c1'"
ASKED_BY_IMPYLA = """
import json, sys
from impala.dbapi import connect
with connect("127.0.0.1", int(sys.argv[1]), auth_mechanism="PLAIN", user="anna", password="none") as connection:
    cursor = connection.cursor()
    cursor.get_tables(database_name="gold")
    tables = [row[2] for row in cursor.fetchall()]
    cursor.execute("show tables in gold")
    shown = [row[0] for row in cursor.fetchall()]
    cursor.execute(sys.argv[2])
    kinds = [column[1] for column in cursor.description]
    print(json.dumps([tables, shown, kinds, [str(value) for value in cursor.fetchall()[0]]]))
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server.start(home_with_gold(tmp_path_factory.mktemp("clients") / "home"), "analyst")
    yield server
    server.stop()


def beeline(server: Server, *commands: str) -> list[list[str]]:
    """What Hive's JDBC driver answers, as rows of text."""
    java = java_home()
    assert java is not None
    jars = Path(pyspark.__file__).parent / "jars"
    asked = [part for command in commands for part in ("-e", command)]
    done = subprocess.run(
        [str(java / "bin" / "java"), "-cp", f"{jars}/*", "org.apache.hive.beeline.BeeLine", "--silent=true"]
        + [
            "--outputformat=csv2",
            "-u",
            f"jdbc:hive2://127.0.0.1:{server.port}/gold",
            "-n",
            "anna",
            "-p",
            "none",
            *asked,
        ],
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    lines = [line.rpartition("> ")[2] if line.startswith("0: jdbc:") else line for line in done.stdout.splitlines()]
    return list(csv.reader([line for line in lines if line], quotechar="\0"))  # as csv2 quotes


def test_jdbc_reads_names_and_values(server: Server) -> None:
    assert [row[0] for row in beeline(server, "show tables")] == ["tableName", "dim_customer", "mart_totals"]
    assert beeline(server, VALUES) == [
        ["birth_on", "last_ordered_at", "net_amount", "order_count", "has_consent"],
        ["1980-02-29", "2025-12-31 23:59:58.0", "1.00", "3", "true"],
    ]


def test_jdbc_metadata_tells_columns_and_types(server: Server) -> None:
    rows = beeline(server, "!columns dim_customer")
    name, kind = rows[0].index("COLUMN_NAME"), rows[0].index("TYPE_NAME")
    assert {row[name]: row[kind] for row in rows[1:]} == {
        "customer_id": "STRING",
        "birth_on": "DATE",
        "last_ordered_at": "TIMESTAMP",
        "net_amount": "DECIMAL(18,2)",
        "order_count": "BIGINT",
        "churn_probability": "DOUBLE",
        "has_consent": "BOOLEAN",
    }


@pytest.mark.skipif(not IMPYLA.exists(), reason="no impyla here: make sql")
def test_impyla_reads_names_types_and_values(server: Server) -> None:
    done = subprocess.run(
        [str(IMPYLA), "-c", ASKED_BY_IMPYLA, str(server.port), VALUES], capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [
        ["dim_customer", "mart_totals"],
        ["dim_customer", "mart_totals"],
        ["DATE", "TIMESTAMP", "DECIMAL", "BIGINT", "BOOLEAN"],
        ["1980-02-29", "2025-12-31 23:59:58", "1.00", "3", "True"],
    ]
