"""The engineers' server: everything is read, and a person writes in the schema that is their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lakehouse.settings import CHECKOUT, Settings, load_settings
from lakehouse.storage import delta_table
from lakehouse.synth import generate
from tests.sql.servers import Server

MODEL = "dim_product"
OWN_PROJECT = "name: own\nprofile: lakehouse\nflags: {send_anonymous_usage_stats: false}\n"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("engineer")
    generate(folder / "shop", customers=300, days=120, seed=7)
    settings = load_settings(home=folder / "home")
    command = [sys.executable, "-m", "lakehouse", "run", "--source", str(folder / "shop" / "source.yml")]
    done = subprocess.run(
        command, env={**os.environ, "LAKEHOUSE_HOME": str(settings.home)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return settings


@pytest.fixture(scope="module")
def server(settings: Settings) -> Iterator[Server]:
    server = Server.start(settings, "engineer", LAKEHOUSE_SQL_MEMORY="1g")
    yield server
    server.stop()


def dbt(server: Server, user: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """dbt from the root of the project, as a person calls it."""
    environment = {
        **os.environ,
        "LAKEHOUSE_SQL_PORT": str(server.port),
        "LAKEHOUSE_SQL_USER": user,
        "LAKEHOUSE_HOME": str(folder / "no home"),
        "PYTHONPATH": str(CHECKOUT),
    }
    command = [str(Path(sys.executable).with_name("dbt")), "--no-use-colors", *arguments, "--target", "thrift"]
    places = ["--target-path", str(folder / "target"), "--log-path", str(folder / "logs")]
    return subprocess.run([*command, *places], cwd=CHECKOUT, env=environment, capture_output=True, text=True)


def passed(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


REFUSED = {
    "gold": "create or replace table gold.dim_product as select 1 as a",
    "gold by INSERT": "insert into gold.dim_product select * from gold.dim_product",
    "gold by path": "insert into delta.`{tables}/gold/dim_product` select * from gold.dim_product",
    "silver": "delete from silver.products",
    "silver by MERGE": "merge into silver.products as t using silver.products as s on true when matched then delete",
    "bronze": "drop table bronze.products",
    "ops": "truncate table ops.runs",
    "another person's schema": "create table dev_berta.t using delta as select 1 as a",
    "a schema of another name": "create schema mine",
    "a place of one's choice": "create table dev_anna.t using delta location '{tables}/gold/t' as select 1 as a",
    "a place as option": "create table dev_anna.t using delta options (path '{tables}/gold/t') as select 1 as a",
    "a place of a schema": "create schema dev_anna location '{tables}/gold'",
    "a move into gold": "alter table dev_anna.kept rename to gold.kept",
    "a table's place": "alter table dev_anna.kept set location '{tables}/gold/dim_product'",
    "another format": "create table dev_anna.t using csv as select 1 as a",
    "a program": "select transform(product_id) using 'cat' from gold.dim_product",
    "Java": "select reflect('java.lang.System', 'exit', 1)",
    "ADD JAR": "add jar /tmp/x.jar",
    "CREATE FUNCTION": "create function dev_anna.f as 'org.apache.hadoop.hive.ql.udf.UDFLength'",
    "a folder": "insert overwrite directory '/tmp/out' using csv select 1",
    "VACUUM": "vacuum delta.`{tables}/gold/dim_product` retain 0 hours",
}


def test_production_is_not_a_persons_to_change(server: Server, settings: Settings) -> None:
    server.rows("create schema if not exists dev_anna")
    server.rows("create or replace table dev_anna.kept using delta as select 1 as a")
    before = delta_table(settings, "gold.dim_product").version()
    for attempt, statement in REFUSED.items():
        said = server.refusal(statement.format(tables=settings.tables_uri))
        assert "not allowed: " in said, (attempt, said)
    assert delta_table(settings, "gold.dim_product").version() == before
    assert "is not yours to change" in server.refusal("drop table dev_anna.kept", user="berta")
    server.rows("drop table dev_anna.kept")


def test_one_model_is_built_in_a_persons_schema_from_production(
    server: Server, settings: Settings, tmp_path: Path
) -> None:
    passed(dbt(server, "anna", tmp_path, "build", "--select", MODEL))
    assert server.rows(f"select count(*) from dev_anna.{MODEL}") == server.rows(f"select count(*) from gold.{MODEL}")
    assert [row[0] for row in server.rows("show tables in dev_anna")] == [MODEL]
    described = {row[0]: row[1:] for row in server.rows(f"describe dev_anna.{MODEL}")}
    assert described["product_id"][0] == "string"
    assert described["product_id"][1]  # the column's words came along


def test_a_model_with_its_parents_and_its_tests(server: Server, settings: Settings, tmp_path: Path) -> None:
    said = passed(dbt(server, "berta", tmp_path, "build", "--select", "+mart_revenue_daily"))
    assert "ERROR=0" in said
    tables = {row[0] for row in server.rows("show tables in dev_berta")}
    assert {"mart_revenue_daily", "fct_orders", "order_lines"} <= tables
    columns = "ordered_on, channel, currency, order_count, net_sale_amount"
    for one, other in (("dev_berta", "gold"), ("gold", "dev_berta")):
        both = [f"select {columns} from {schema}.mart_revenue_daily" for schema in (one, other)]
        missing = " except all ".join(both)
        assert server.rows(missing, user="berta") == []
    passed(dbt(server, "berta", tmp_path, "test", "--select", "mart_revenue_daily"))


def test_docs_tell_columns_and_their_types(server: Server, tmp_path: Path) -> None:
    import json

    passed(dbt(server, "anna", tmp_path, "docs", "generate", "--select", MODEL))
    catalog = json.loads((tmp_path / "target" / "catalog.json").read_text())
    found = {node["metadata"]["name"]: node["columns"] for node in catalog["nodes"].values()}
    assert found[MODEL]["product_id"]["type"] == "string"


def test_a_broken_contract_is_told(server: Server, tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "models").mkdir(parents=True)
    (project / "dbt_project.yml").write_text(f"{OWN_PROJECT}models: {{+file_format: delta}}\n")
    (project / "models" / "kept.yml").write_text(
        "models:\n  - name: kept\n    config: {contract: {enforced: true}, materialized: table}\n"
        "    columns: [{name: a, data_type: int}]\n"
    )
    (project / "models" / "kept.sql").write_text("select 'text' as a")
    environment = {**os.environ, "LAKEHOUSE_SQL_PORT": str(server.port), "LAKEHOUSE_SQL_USER": "anna"}
    command = [str(Path(sys.executable).with_name("dbt")), "run", "--target", "thrift", "--profiles-dir", str(CHECKOUT)]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "contract" in done.stdout


def test_a_snapshot_keeps_what_was(server: Server, tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "snapshots").mkdir(parents=True)
    (project / "dbt_project.yml").write_text(OWN_PROJECT)
    (project / "snapshots" / "prices.sql").write_text(
        "{% snapshot prices %}{{ config(unique_key='product_id', strategy='check', check_cols=['unit_price'],"
        " file_format='delta', target_schema=target.schema) }}"
        "select product_id, unit_price * {{ var('factor') }} as unit_price from gold.dim_product{% endsnapshot %}"
    )
    environment = {**os.environ, "LAKEHOUSE_SQL_PORT": str(server.port), "LAKEHOUSE_SQL_USER": "clara"}
    for factor in (1, 2):
        command = [str(Path(sys.executable).with_name("dbt")), "snapshot", "--target", "thrift"]
        more = ["--profiles-dir", str(CHECKOUT), "--vars", f"factor: {factor}"]
        done = subprocess.run([*command, *more], cwd=project, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
    counted = "select count(*), count(dbt_valid_to) from dev_clara.prices"
    products = server.rows("select count(*) from gold.dim_product where unit_price is not null")[0][0]
    assert server.rows(counted, user="clara")[0][1] == products
