"""The same run on this machine, and which of its tables a cluster's must equal."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from lakehouse.pipeline import HISTORY
from lakehouse.settings import CHECKOUT, load_settings
from lakehouse.storage import delta_table, list_tables
from tests.cluster.installation import SMALL
from tests.integration.content import rows_hash

ARRIVAL = ("_batch_id", "_file", "_loaded_at", "batch_id", "file", "loaded_at")
SCHEMAS = ("silver", "gold", "ml")


def tables_of_a_run_here(home: Path) -> dict[str, pa.Table]:
    """Tables of silver, gold and ml of a run over the small sample, by Spark, by their names `schema.table`."""
    given = {f"LAKEHOUSE_{name.upper()}": str(value) for name, value in SMALL.items()}
    environment = {**os.environ, **given, "LAKEHOUSE_HOME": str(home), "LAKEHOUSE_ENGINE": "spark"}
    done = subprocess.run(
        [sys.executable, "-m", "lakehouse", "run"], env=environment, capture_output=True, text=True, cwd=CHECKOUT
    )
    assert done.returncode == 0, done.stdout + done.stderr
    settings = load_settings(home=home)
    return {
        f"{schema}.{name}": delta_table(settings, f"{schema}.{name}").to_pyarrow_table()
        for schema, name in list_tables(settings)
        if schema in SCHEMAS
    }


def spoken_of_models() -> set[str]:
    """Gold tables that models' predictions go into, from dbt's lineage."""
    listed = subprocess.run(
        [str(Path(sys.executable).parent / "dbt"), "--quiet", "ls", "--resource-type", "model", "--output", "name"]
        + ["--select", "source:ml+"],
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        check=True,
    )
    return {f"gold.{name}" for name in listed.stdout.split()}


def differing(there: Mapping[str, pa.Table], here: Mapping[str, pa.Table]) -> list[str]:
    """Tables in which no model speaks and whose rows are not the same, by hash; more than twenty are compared."""
    assert set(here) == set(there)
    spoken = spoken_of_models()
    compared = [
        name
        for name in here
        if name.startswith(("silver.", "gold.")) and not name.startswith(HISTORY) and name not in spoken
    ]
    assert len(compared) > 20
    return [name for name in compared if rows_hash(there[name], ARRIVAL) != rows_hash(here[name], ARRIVAL)]
