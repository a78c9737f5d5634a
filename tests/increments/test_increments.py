"""Whatever the split, the order and the corrections: increments leave the tables that one run leaves."""

from __future__ import annotations

import os
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from lakehouse import builds, ops
from lakehouse.pipeline import AFTER_LANDING, LAND, Progress, Run, last_day_of_data, perform
from lakehouse.settings import load_settings
from lakehouse.sources import load_source
from lakehouse.synth import generate
from tests.conftest import use_home
from tests.increments.arrivals import Arrivals
from tests.integration.content import content_hashes

if TYPE_CHECKING:
    import pytest
    from pyspark.sql import SparkSession

EXAMPLES = int(os.environ.get("LAKEHOUSE_INCREMENT_EXAMPLES", "0"))
STEPS = [step for step in AFTER_LANDING if step.name in ("silver", "as_of", "features")]
FACTS = ("fct_orders", "fct_sessions")
"""The marts that take increments; the others need models, which learn from other batches."""


CALM: dict[str, Any] = {"at_once": ("customers", "products"), "share_late": 0.01, "share_corrected": 0.005}
"""Nearly in the order of time, so that few days, visits and people are touched."""


def run_steps(spark: SparkSession, home: Path, sources: list[Path], behind: int) -> list[str]:
    """Land and build as of some days `behind` the last day of the data; what each step said."""
    found = load_settings(home=home, spark_master="local[2]", increments_from_rows=0)
    home.mkdir(parents=True, exist_ok=True)
    use_home(spark, found)
    ops.ensure_tables(found)
    run = Run(found, [load_source(path) for path in sources], None, Progress())
    perform(run, LAND)
    said = []
    for step in STEPS:
        if step.name == "as_of":
            run.as_of = (last_day_of_data(run.settings) or date.today()) - timedelta(days=behind)
        said.append(str(perform(run, step).message))
    return [*said, str(run.dbt.build("marts", run.ledger, run.as_of_on, only=FACTS))]


def test_increments_leave_what_one_run_over_everything_leaves(
    spark: SparkSession, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builds, "LARGEST_INCREMENT", 1.0)  # a table takes half of its rows as an increment too
    shop = tmp_path_factory.mktemp("shop")
    generate(shop, customers=60, days=60, seed=11)

    @settings(
        max_examples=max(1, EXAMPLES),
        deadline=None,
        phases=[Phase.explicit, Phase.generate][: 2 if EXAMPLES else 1],
        suppress_health_check=list(HealthCheck),
    )
    @example(seed=20261128, portions=2, calm=False, behind=0)
    @example(seed=20261128, portions=3, calm=True, behind=4)
    @example(seed=9189, portions=2, calm=False, behind=0)  # the first arrival brings next to nothing
    @given(
        seed=st.integers(0, 2**32 - 1),
        portions=st.integers(2, 4),
        calm=st.booleans(),
        behind=st.sampled_from([0, 0, 1, 10]),
    )
    def check(seed: int, portions: int, calm: bool, behind: int) -> None:
        folder = tmp_path_factory.mktemp("arrivals")
        arrivals = Arrivals(shop, folder / "files", seed, portions, **(CALM if calm else {}))
        sources = arrivals.source_files()
        said = []
        while arrivals.bring():
            said.append(run_steps(spark, folder / "grown", sources, behind))
        whole = run_steps(spark, folder / "whole", sources, behind)
        grown, at_once = (
            content_hashes(load_settings(home=folder / name), ["silver", "gold"]) for name in ("grown", "whole")
        )
        assert grown == at_once, f"{said} against {whole}"
        print(seed, portions, calm, behind, said, whole)

    check()
