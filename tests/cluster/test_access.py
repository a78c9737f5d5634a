"""Vault and bronze, tried with people's credentials: by SQL, path, time travel, the metastore, and in the storage."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.cluster.installation import Installation
from tests.cluster.tables import read_by

ATTEMPTS = {
    "by name": "select * from {table}",
    "by name, with the catalogue": "select * from spark_catalog.{table}",
    "in a subquery": "select 1 where exists (select * from {table})",
    "by path": "select * from delta.`{place}`",
    "files by path": "select * from parquet.`{place}/*.parquet`",
    "its log by path": "select * from text.`{place}/_delta_log/*.json`",
    "by time travel": "select * from {table} version as of 0",
    "by path and time travel": "select * from delta.`{place}@v0`",
    "changes": "select * from table_changes('{table}', 0)",
    "history": "describe history delta.`{place}`",
    "described by the metastore": "describe extended {table}",
    "its properties, of the metastore": "show tblproperties {table}",
}
MAY_NOT = [("analyst", "vault.identifiers"), ("analyst", "bronze.customers"), ("engineer", "vault.identifiers")]
"""What the storage keeps from a role. Engineers read bronze, in which identifiers are sealed."""
REFUSALS = (
    "not allowed: ",
    "TABLE_OR_VIEW_NOT_FOUND",
    "SCHEMA_NOT_FOUND",
    "Permission denied",
    "AccessDenied",
    "UNSUPPORTED_DATASOURCE",
)

PUBLISHED = """
from lakehouse.publication import current
from lakehouse.settings import load_settings
print(current(load_settings()) is not None)
"""
# What an endpoint answers to each statement: rows, or the words of its error.
ASK = """
import json, sys
from pathlib import Path
from lakehouse.cluster.checks import cursor_over_tls
from lakehouse.settings import load_settings
asked = json.load(sys.stdin)
authority = Path("/tmp/authority.crt")
authority.write_text(asked["authority"])
place = load_settings().table_uri(*asked["table"].split("."))
told = {}
for name, statement in asked["statements"].items():
    with cursor_over_tls(asked["host"], asked["role"], asked["password"], authority) as cursor:
        try:
            cursor.execute(statement.format(table=asked["table"], place=place))
            told[name] = cursor.fetchall()
        except Exception as error:
            status = getattr(error.args[0], "status", None) if error.args else None
            told[name] = str(status.errorMessage if status is not None else error)
print(json.dumps(told, default=str))
"""
# What HDFS says to a user who lists a table's folder and opens one of its files, which the user of runs has found.
OPEN = """
import json, os, subprocess, sys
import pyarrow.fs as pafs
from lakehouse.settings import load_settings
from lakehouse.storage import folder_of
AS_USER = '''
import sys
from hdfs_native import Client
from lakehouse.settings import load_settings
client, path = Client(load_settings().storage), sys.argv[1]
list(client.list_status(path)) if not path.endswith(".parquet") else client.read(path).read(4)
'''
user, table = sys.argv[1:]
files, folder = folder_of(load_settings(), table)
paths = [one.path for one in files.get_file_info(pafs.FileSelector(folder, recursive=True))]
file = next(path for path in paths if path.endswith(".parquet"))
environment = {**os.environ, "HADOOP_USER_NAME": user}
told = []
for path in (folder, file):
    done = subprocess.run([sys.executable, "-c", AS_USER, path], env=environment, capture_output=True, text=True)
    told.append("read" if done.returncode == 0 else done.stderr)
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def built(installed: Installation) -> Installation:
    """The release, with the tables of a run in it."""
    if read_by(installed, PUBLISHED).strip() != "True":
        job = installed.run("lakehouse-before-access")
        assert job["status"].get("succeeded") == 1, json.dumps(job["status"], indent=1)
    return installed


def ask(release: Installation, role: str, table: str, statements: dict[str, str]) -> dict[str, Any]:
    """What the role's endpoint answers, asked over TLS with the role's own password."""
    (secret,) = [one for one in release.objects("secrets") if "sql-ca.crt" in one.get("data", {})]  # ours or existing
    password, authority = (
        base64.b64decode(secret["data"][name]).decode() for name in (f"sql-{role}-password", "sql-ca.crt")
    )
    asked = {
        "host": f"{release.release}-sql-{role}",
        "role": role,
        "password": password,
        "authority": authority,
        "table": table,
        "statements": statements,
    }
    told: dict[str, Any] = json.loads(read_by(release, ASK, given=json.dumps(asked)))
    return told


def ways_in(release: Installation, role: str, table: str) -> dict[str, Any]:
    """Of the ways into a table those that the role's endpoint does not refuse, with what it answers."""
    told = ask(release, role, table, {**ATTEMPTS, "what is allowed": "select count(*) from gold.dim_customer"})
    [[customers]] = told.pop("what is allowed")
    assert customers > 100
    refused = {name for name, said in told.items() if isinstance(said, str) and any(word in said for word in REFUSALS)}
    return {name: said for name, said in told.items() if name not in refused}


@pytest.mark.parametrize(("role", "table"), MAY_NOT)
def test_an_endpoint_refuses_every_way_in(built: Installation, role: str, table: str) -> None:
    assert ways_in(built, role, table) == {}


def test_the_metastore_shows_an_analyst_gold_and_no_other_schema(built: Installation) -> None:
    told = ask(built, "analyst", "gold.dim_customer", {"schemas": "show schemas"})
    assert "gold" in {row[0] for row in told["schemas"]} <= {"default", "gold"}


@pytest.mark.parametrize(("role", "table"), MAY_NOT)
def test_the_storage_refuses_the_roles_user(built: Installation, role: str, table: str) -> None:
    told = json.loads(read_by(built, OPEN, role, table))
    assert ["Permission denied" in said for said in told] == [True, True], told


def test_the_storage_lets_an_analyst_read_gold(built: Installation) -> None:
    assert json.loads(read_by(built, OPEN, "analyst", "gold.dim_customer")) == ["read", "read"]
