"""The chart that points outward: tables in an S3 store, databases on servers of somebody else; the same tables."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

from tests.cluster.installation import Installation
from tests.cluster.laptop import SCHEMAS, differing, tables_of_a_run_here
from tests.cluster.tables import hosts_in_event_logs, read_by, tables_of
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
