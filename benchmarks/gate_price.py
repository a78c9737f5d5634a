"""What the gates cost against the layers they guard, and what plain Great Expectations would cost on the same tables.

python benchmarks/gate_price.py [--customers N] [--days D] [--home DIR] [--without-plain] [--json]

One run of the main job in a fresh home, step by step. After each gate the same suites are judged once more by Great
Expectations as it comes (its own SparkDFExecutionEngine, results SUMMARY), in the same session and on the same tables,
which by then are warm: that is the price "before". Both must count the same failing rows for every rule.
CPU seconds are those of this process and all its children (Python and JVM).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.run_cost import cpu_and_memory
from lakehouse import ops
from lakehouse.pipeline import AFTER_LANDING, LAND, Progress, Run, judged_tables, perform
from lakehouse.quality.gate import GateReport
from lakehouse.quality.suites import Suite, load_suites
from lakehouse.settings import Settings, load_settings
from lakehouse.sources import load_source
from lakehouse.synth import generate

# What each gate guards: the steps that built its layer.
BUILT_BY = {
    "bronze": ("land",),
    "silver": ("silver",),
    "ml": ("train",),
    "gold": ("features", "marts"),
}
LEFT_OUT = ("history", "docs", "publish")


@dataclass
class Price:
    """CPU and wall seconds of a layer's building, of its gate, and of plain Great Expectations on it."""

    layer: str
    build: float = 0.0
    gate: float = 0.0
    gate_wall: float = 0.0
    plain: float | None = None
    plain_wall: float | None = None
    rules: int = 0
    tables: int = 0
    differing: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        return self.gate / self.build


def cpu_seconds() -> float:
    """CPU seconds of this process and its children so far."""
    python, java, _ = cpu_and_memory()
    return python + java


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """What `work` gave, its CPU seconds and its wall seconds."""
    cpu, wall = cpu_seconds(), time.perf_counter()
    given = work()
    return given, cpu_seconds() - cpu, time.perf_counter() - wall


def judge_plainly(run: Run, suite: Suite) -> dict[tuple[str, str | None], tuple[bool, int | None]]:
    """Great Expectations' own verdict of a suite: passed and failing rows, by rule and column."""
    from great_expectations.core.batch import Batch
    from great_expectations.execution_engine import SparkDFExecutionEngine
    from great_expectations.execution_engine.sparkdf_batch_data import SparkDFBatchData
    from great_expectations.validator.validator import Validator

    from lakehouse.quality.expectation_objects import build_expectations
    from lakehouse.quality.measures import MEASURES

    if suite.measure is not None:
        frame = run.spark.createDataFrame(MEASURES[suite.measure].figures(run.settings).to_pandas())
    else:
        frame = run.spark.sql(suite.query) if suite.query is not None else run.spark.table(suite.table)
    engine = SparkDFExecutionEngine(spark=run.spark, persist=False)
    validator = Validator(execution_engine=engine)
    validator.metrics_calculator.show_progress_bars = False
    validator.load_batch_list([Batch(data=SparkDFBatchData(engine, frame))])
    results = validator.graph_validate(
        configurations=[expectation.configuration for expectation in build_expectations(suite)],
        runtime_configuration={"result_format": "SUMMARY"},
    )
    verdicts = {}
    for result in results:
        rule = suite.rules[result.expectation_config.meta["place"]]
        verdicts[rule.label, rule.column] = (bool(result.success), result.result.get("unexpected_count"))
    return verdicts


def differences(
    report: GateReport, plain: dict[str, dict[tuple[str, str | None], tuple[bool, int | None]]]
) -> list[str]:
    """Rules on which the gate and plain Great Expectations do not agree."""
    told = []
    for outcome in report.outcomes:
        passed, count = plain[outcome.table][outcome.rule.label, outcome.rule.column]
        if passed != outcome.passed or (count or 0) != outcome.unexpected_count:
            told.append(
                f"{outcome.table}: {outcome.rule.label} on {outcome.rule.column}: "
                f"gate {outcome.passed} {outcome.unexpected_count}, plain {passed} {count}"
            )
    return told


def measure(settings: Settings, source: Path, with_plain: bool) -> dict[str, Any]:
    """The prices of all gates in one run of the main job on an empty home."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    run = Run(settings, [load_source(source)], None, Progress())
    ops.ensure_tables(settings)
    prices = {layer: Price(layer) for layer in BUILT_BY}
    _, land_cpu, _ = timed(lambda: perform(run, LAND))
    prices["bronze"].build = land_cpu
    _note(f"land {land_cpu:.1f}")
    _, import_cpu, _ = timed(_import_great_expectations)
    _, session_cpu, _ = timed(lambda: run.spark)
    _note(f"import {import_cpu:.1f}, session {session_cpu:.1f}")
    for step in AFTER_LANDING:
        if step.name in LEFT_OUT:
            continue
        _, cpu, wall = timed(lambda step=step: perform(run, step))  # type: ignore[misc]
        _note(f"{step.name} {cpu:.1f}")
        if not step.name.startswith("validate_"):
            for layer, steps in BUILT_BY.items():
                prices[layer].build += cpu if step.name in steps else 0.0
            continue
        price, report = prices[step.name.removeprefix("validate_")], run.gates[-1]
        price.gate, price.gate_wall = cpu, wall
        price.rules, price.tables = len(report.outcomes), report.table_count
        if with_plain:
            suites = load_suites(price.layer, judged_tables(settings, price.layer))
            plain, price.plain, price.plain_wall = timed(
                lambda suites=suites: {suite.table: judge_plainly(run, suite) for suite in suites}  # type: ignore[misc]
            )
            price.differing = differences(report, plain)
            _note(f"plain {price.layer} {price.plain:.1f}; differing {price.differing}")
    return {
        "rows": sum(row["rows_landed"] for row in ops.read(settings, "loads")),
        "import_great_expectations": import_cpu,
        "start_session": session_cpu,
        "prices": list(prices.values()),
    }


def _import_great_expectations() -> None:
    import lakehouse.quality.data_docs
    import lakehouse.quality.table_check  # noqa: F401


def _note(said: str) -> None:
    print(f"  {said}", file=sys.stderr, flush=True)


def show(found: dict[str, Any]) -> None:
    """The prices as a table."""
    print(f"{found['rows']:,} rows landed; CPU seconds of Python and JVM")
    print(
        f"importing Great Expectations {found['import_great_expectations']:.1f}, "
        f"starting Spark {found['start_session']:.1f}: once a process, in no line below"
    )
    print(
        f"{'layer':<8}{'tables':>7}{'rules':>7}{'build':>9}{'gate':>8}{'share':>8}{'plain':>9}{'share':>8}{'times':>7}"
    )
    for price in found["prices"]:
        line = (
            f"{price.layer:<8}{price.tables:>7}{price.rules:>7}{price.build:>9.1f}{price.gate:>8.1f}{price.share:>8.1%}"
        )
        if price.plain is not None:
            line += f"{price.plain:>9.1f}{price.plain / price.build:>8.1%}{price.plain / price.gate:>7.1f}"
        print(line)
        for difference in price.differing:
            print(f"    differs: {difference}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=2500)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--home", type=Path, help="an empty folder to keep the tables in")
    parser.add_argument("--without-plain", action="store_true", help="leave plain Great Expectations out")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        home = given.home or Path(scratch) / "home"
        settings = load_settings(home=home)
        files = home / "files"
        generate(files, customers=given.customers, days=given.days, seed=7)
        found = measure(settings, files / "source.yml", not given.without_plain)
    if given.json:
        print(json.dumps(found, default=vars, indent=1))
    else:
        show(found)


if __name__ == "__main__":
    main()
