"""After rows have gone for their age, the next run gives the tables that a run over the rows that are left gives."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from lakehouse import ops, publication
from lakehouse.builds import LEDGER
from lakehouse.pipeline import Run, main_job
from lakehouse.privacy.retention.derived import WAITING
from lakehouse.privacy.retention.expiry import expire
from lakehouse.settings import Settings
from lakehouse.storage import delta_table, list_tables
from lakehouse.synth import generate
from tests.conftest import use_home
from tests.integration.conftest import Heard, run_shop
from tests.integration.content import content_hashes

if TYPE_CHECKING:
    import pytest
    from pyspark.sql import SparkSession

NOW = partial(datetime.now, timezone.utc)
MADE = ("silver", "gold", "ml")
OF_VERSIONS = ("model_version", "champion_version", "challenger_version", "why")
"""Columns that number the versions of models: one home has trained more often than the other."""


def run(spark: SparkSession, settings: Settings) -> Heard:
    use_home(spark, settings)
    heard = Heard()
    main_job(Run(settings, [], None, heard))
    return heard


def test_the_next_run_gives_what_a_run_over_the_rows_that_are_left_gives(
    spark: SparkSession, tmp_path: Path, record_property: pytest.RecordProperty
) -> None:
    generate(tmp_path / "shop", customers=300, days=120, seed=7)
    settings = run_shop(spark, tmp_path / "shop", tmp_path / "home").settings
    before = content_hashes(settings, MADE, OF_VERSIONS)
    (last,) = (row["as_of_on"] for row in ops.read(settings, "as_of"))
    told = expire(settings, NOW, last + timedelta(days=680))
    assert told is not None
    gone = {name.removeprefix("bronze.") for name in told.rows if name.startswith("bronze.")}
    assert gone == {"customers", "events", "impressions", "locations", "memberships"}
    assert "churn" in told.models
    assert [(one.table, one.columns) for one in told.emptied] == [("bronze.events", ("url", "referrer"))]
    record_property("rows past their retention", f"{sum(told.rows.values()):,} of {len(told.rows)} tables")

    others = settings.model_copy(update={"home": tmp_path / "left"})
    shutil.copytree(settings.home, others.home)
    for name in (LEDGER, WAITING, publication.POINTER):
        (others.home / name).unlink()
    for folder in ("tables/silver", "tables/gold", "tables/ml", "mlflow", "file_counts"):
        shutil.rmtree(others.home / folder, ignore_errors=True)
    heard = run(spark, settings)
    run(spark, others)

    ours, theirs = (content_hashes(one, MADE, OF_VERSIONS) for one in (settings, others))
    assert {name for name in theirs if ours.get(name) != theirs[name]} == set()
    assert ours.keys() == theirs.keys()
    assert ours["gold.feat_activity"] != before["gold.feat_activity"]
    assert ours["silver.tickets"] == before["silver.tickets"]
    assert pc.all(pc.is_null(delta_table(settings, "gold.fct_sessions").to_pyarrow_table()["landing_url"])).as_py()

    assert not (settings.home / WAITING).exists()
    assert any("older versions of" in note for note in heard.notes)
    (only,) = publication.shelf(settings).sets
    for name, version in only.tables.items():
        assert delta_table(settings, name, version).to_pyarrow_table().num_rows >= 0
    tables = list_tables(settings)
    (silver,) = delta_table(settings, "silver.events").history()[-1:]
    assert silver["version"] == delta_table(settings, "silver.events").version(), "no older version has a URL"
    anew = [f"gold.{table}" for schema, table in tables if schema == "gold" and table != "dim_product"]
    for name in anew:
        log = settings.tables_dir / name.replace(".", "/") / "_delta_log"
        first = min(int(path.name.split(".")[0]) for path in log.glob("*.json"))
        assert first == only.tables[name], f"{name} has versions that were made of rows that are gone"
    assert run(spark, settings).left_out[0] == "validate_bronze", "nothing is left to do"
