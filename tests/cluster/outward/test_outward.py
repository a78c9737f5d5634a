"""The chart that points outward: tables in an S3 store, databases on servers of somebody else; the same tables."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

from tests.cluster.installation import Installation
from tests.cluster.laptop import SCHEMAS, differing, tables_of_a_run_here
from tests.cluster.tables import hosts_in_event_logs, read_by, tables_of
from tests.cluster.test_access import MAY_NOT, ask, ways_in
from tests.integration.databases.servers import Server

NOT_INSTALLED = {"namenode", "datanode", "postgresql"}
# What the history server tells of the applications that have ended, and what MLflow keeps where.
APPLICATIONS = """
import urllib.request
print(urllib.request.urlopen("http://lakehouse-history:18080/api/v1/applications").read().decode())
"""
ARTEFACTS = """
import json
from lakehouse.settings import load_settings
import mlflow
client = mlflow.MlflowClient(load_settings().mlflow_uri)
print(json.dumps([version.source for version in client.search_model_versions()]))
"""
# A file of each table; and what the store says to who opens files in a pod, with that pod's keys.
FILES = """
import json, sys
import pyarrow.fs as pafs
from lakehouse.settings import load_settings
from lakehouse.storage import folder_of
told = []
for table in sys.argv[1:]:
    files, folder = folder_of(load_settings(), table)
    paths = [one.path for one in files.get_file_info(pafs.FileSelector(folder, recursive=True))]
    told.append(next(path for path in paths if path.endswith(".parquet")))
print(json.dumps(told))
"""
OPENED = """
import json, sys
from lakehouse.settings import load_settings
from lakehouse.storage import filesystem
files, _ = filesystem(load_settings())
told = []
for path in sys.argv[1:]:
    try:
        with files.open_input_file(path) as file:
            told.append("read" if file.read(4) == b"PAR1" else "no Parquet")
    except OSError as error:
        told.append("refused" if "ACCESS_DENIED" in str(error) else str(error))
print(json.dumps(told))
"""
TABLES = ("gold.dim_customer", "bronze.customers", "vault.identifiers")


@pytest.fixture(scope="module")
def ran(installed: Installation) -> dict[str, Any]:
    """The Job of the main job on the small sample, ended."""
    with installed.stage("the main job on the small sample"):
        return installed.run("lakehouse-first")


def test_what_points_outward_is_not_installed(installed: Installation) -> None:
    parts = {pod["metadata"]["labels"].get("app.kubernetes.io/component") for pod in installed.objects("pods")}
    assert not parts & NOT_INSTALLED
    assert {"metastore", "mlflow", "superset", "sql-analyst", "sql-engineer", "history"} <= parts


def test_helm_test_proves_every_part(installed: Installation) -> None:
    said = installed.helm("test", installed.release, "--logs", "--timeout", "10m")
    assert "s3a://lake/marketing: two commits written and read" in said


def test_the_metastore_has_its_tables_in_the_mariadb(installed: Installation, mariadb: Server | None) -> None:
    if mariadb is None:
        pytest.skip("no MariaDB here, so its tables are in the PostgreSQL: apt-get install mariadb-server")
    assert ["default"] in mariadb.run("select NAME from metastore.DBS")


def test_the_main_job_ends_well(ran: dict[str, Any]) -> None:
    assert ran["status"].get("succeeded") == 1, json.dumps(ran["status"], indent=1)


def test_where_no_model_speaks_the_tables_are_a_laptops(
    installed: Installation, ran: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    with installed.stage("tables are read in the cluster"):
        there: dict[str, pa.Table] = tables_of(installed, *SCHEMAS)
    with installed.stage("the same job on this machine"):
        here = tables_of_a_run_here(tmp_path_factory.mktemp("laptop") / "home")
    assert differing(there, here) == []


def test_executors_told_of_themselves_in_event_logs_of_the_store(installed: Installation, ran: dict[str, Any]) -> None:
    assert len(hosts_in_event_logs(installed)) >= 2


def test_the_history_server_shows_the_run(installed: Installation, ran: dict[str, Any]) -> None:
    applications = json.loads(read_by(installed, APPLICATIONS))
    assert [one["name"] for one in applications if one["attempts"][-1]["completed"]]


def test_models_are_kept_in_the_store(installed: Installation, ran: dict[str, Any]) -> None:
    assert json.loads(read_by(installed, ARTEFACTS))


@pytest.fixture
def with_keys(installed: Installation, ran: dict[str, Any], roles_keys: dict[str, Any]) -> Installation:
    """The release, after a run, whose endpoints have keys of the store of their own."""
    if not roles_keys:
        pytest.skip("the store makes no temporary keys for these ones, so the endpoints have the run's")
    return installed


@pytest.mark.parametrize(
    ("role", "told"),
    [("analyst", ["read", "refused", "refused"]), ("engineer", ["read", "read", "refused"])],
)
def test_the_store_opens_to_an_endpoints_keys_what_is_its_roles(
    with_keys: Installation, role: str, told: list[str]
) -> None:
    paths = json.loads(read_by(with_keys, FILES, *TABLES))
    pod = ("exec", f"deployment/{with_keys.release}-sql-{role}", "--container=sql", "--")
    assert json.loads(with_keys.kubectl(*pod, "python", "-c", OPENED, *paths)) == told


@pytest.mark.parametrize(("role", "table"), MAY_NOT)
def test_an_endpoint_over_the_store_refuses_every_way_in(with_keys: Installation, role: str, table: str) -> None:
    assert ways_in(with_keys, role, table) == {}


def test_an_engineer_writes_in_the_store_where_it_is_theirs(with_keys: Installation) -> None:
    statements = {
        "made": "create schema if not exists dev_engineer",
        "kept": "create or replace table dev_engineer.known using delta as select customer_id from silver.customers",
        "read": "select count(*) > 100 from dev_engineer.known",
    }
    assert ask(with_keys, "engineer", "silver.customers", statements)["read"] == [[True]]
