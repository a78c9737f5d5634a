"""Every case of docs/drift.md: what is done about it, by which rule, and the sentence that says so."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lakehouse import ops
from lakehouse.bronze import news
from lakehouse.errors import GateFailed, InputError
from lakehouse.quality import load_suites, run_gate
from lakehouse.quality.measures import drift
from lakehouse.settings import CHECKOUT, Settings, load_settings
from tests.conftest import use_home
from tests.integration.conftest import Shop
from tests.integration.drift_cases import DAYS, FIRST_DAY, Case, OrderShop, as_csv, cases, orders

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PAGE = CHECKOUT / "docs" / "drift.md"
LATER = FIRST_DAY + timedelta(days=30)


@dataclass(frozen=True)
class Told:
    """What the seventh file of a case led to: the refusal, or the findings about it."""

    case: Case
    settings: Settings
    refusal: str
    findings: list[dict[str, Any]]
    loads: list[str]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Told]:
    """Every case landed, each over a copy of a home with six good days of its kind of file."""
    good: dict[Any, OrderShop] = {}
    found: dict[str, Told] = {}
    for case in cases():
        kind = (case.form(case.days(0)), str(case.options))
        if kind not in good:
            good[kind] = new_shop(tmp_path_factory.mktemp("good"), case)
            assert drift(good[kind].settings).to_pylist() == [], case.name
        folder = tmp_path_factory.mktemp("case") / "copy"
        shutil.copytree(good[kind].folder.parent, folder)
        settings = load_settings(home=folder / "home", spark_master="local[2]")
        shop = OrderShop(folder / "files", settings, case.options or {}, DAYS)
        refusal, file = "", f"orders-{DAYS}.{case.ending}"
        try:
            shop.send_and_land(file, case.file)
        except InputError as error:
            refusal = str(error)
        findings = [row for row in drift(settings).to_pylist() if row["file"] == file]
        loads = [row["file"] for row in ops.read(settings, "loads")]
        found[case.name] = Told(case, settings, refusal, findings, loads)
    return found


def new_shop(folder: Path, case: Case) -> OrderShop:
    (folder / "files").mkdir()
    shop = OrderShop(folder / "files", load_settings(home=folder / "home"), case.options or {})
    for day in range(DAYS):
        shop.send_and_land(f"orders-{day}.{case.ending}", case.form(case.days(day)))
    return shop


def documented() -> dict[str, tuple[str, str, str]]:
    """Case -> what is done, rule and sentence of the page's table."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return {row[0]: (row[1], row[2].strip("`"), row[3]) for row in cells if row[1] in ("refused", "error", "warning")}


def broken_rules(spark: SparkSession, told: dict[str, Told]) -> dict[str, set[str]]:
    """Case -> the rules of the suite that its findings break."""
    from pyspark.sql import functions as F
    from pyspark.sql.pandas.types import from_arrow_schema

    (suite,) = load_suites("bronze", ["bronze.drift"])
    rows = [{**row, "source": name} for name, case in told.items() for row in case.findings]
    import pyarrow as pa

    schema = drift(next(iter(told.values())).settings).schema
    frame = spark.createDataFrame(pa.Table.from_pylist(rows, schema).to_pandas(), from_arrow_schema(schema))
    judged = [F.collect_set(F.when(~F.expr(rule.kwargs["condition"]), F.col("source"))) for rule in suite.rules]
    (verdicts,) = frame.agg(*judged).collect()
    return {name: {r.name for r, sources in zip(suite.rules, verdicts) if name in sources} for name in told}


def test_the_page_tells_every_case_and_no_other(told: dict[str, Told]) -> None:
    assert list(documented()) == list(told)


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_a_case_says_the_sentence_of_the_page(told: dict[str, Told], case: Case) -> None:
    does, rule, sentence = documented()[case.name]
    assert (does, rule) == (case.does, case.rule)
    found = told[case.name]
    if does == "refused":
        assert found.refusal == sentence
        assert found.findings == []
        assert f"orders-{DAYS}.{case.ending}" not in found.loads
    else:
        assert found.refusal == ""
        assert sentence in [row["finding"] for row in found.findings]


def test_a_case_breaks_its_rule_and_a_warning_breaks_no_rule_of_severity_error(
    spark: SparkSession, told: dict[str, Told]
) -> None:
    (suite,) = load_suites("bronze", ["bronze.drift"])
    severity = {rule.name: rule.severity for rule in suite.rules}
    broken = broken_rules(spark, told)
    for name, found in told.items():
        if found.case.does != "refused":
            assert found.case.rule in broken[name], name
            worst = "error" if any(severity[rule] == "error" for rule in broken[name]) else "warning"
            assert worst == found.case.does, (name, broken[name])
    fired = set().union(*broken.values())
    assert severity.keys() - fired == {"data_arrives"}  # see test_arrivals.py


def test_the_gate_stops_the_run_with_the_sentence(spark: SparkSession, told: dict[str, Told]) -> None:
    settings = told["leading zeros lost"].settings
    use_home(spark, settings)
    report = run_gate(spark, settings, "bronze", "run", LATER, ["bronze.drift"])
    with pytest.raises(GateFailed) as stopped:
        report.raise_if_failed()
    assert stopped.value.exit_code == 3
    assert documented()["leading zeros lost"][2] in str(stopped.value)
    (row,) = (row for row in ops.read(settings, "validations") if not row["passed"])
    assert (row["rule"], row["severity"]) == ("leading_zeros_are_kept", "error")


def test_a_corrected_file_takes_the_finding_back_and_an_old_warning_is_not_repeated(told: dict[str, Told]) -> None:
    for name in ("leading zeros lost", "category never seen"):
        settings = told[name].settings
        shop = OrderShop(settings.home.parent / "files", settings, {}, DAYS + 1)
        if name == "leading zeros lost":
            shop.send_and_land(f"orders-{DAYS}.csv", as_csv(orders(DAYS)))
            assert drift(settings).to_pylist() == []
        else:
            shop.send_and_land(f"orders-{DAYS + 1}.csv", as_csv(orders(DAYS + 1)))
            assert [(row["check_name"], row["is_new"]) for row in drift(settings).to_pylist()] == [("category", False)]


def test_the_sample_raises_no_alarm(shop: Shop) -> None:
    of_drift = [row for row in ops.read(shop.settings, "validations") if row["table_name"] == "bronze.drift"]
    assert len(of_drift) == len(load_suites("bronze", ["bronze.drift"])[0].rules)
    assert [row["rule"] for row in of_drift if not row["passed"]] == []
    profiled = {row["batch_id"] for row in ops.read(shop.settings, "batch_profiles")}
    assert profiled == {row["batch_id"] for row in ops.read(shop.settings, "loads")}


def test_an_added_column_is_in_bronze_and_in_what_the_landing_tells(told: dict[str, Told]) -> None:
    found = told["column added"]
    from lakehouse.bronze import tables

    assert "coupon" in tables.raw_column_names(found.settings, "order_lines")
    run_id = f"run-{DAYS + 1:03d}"
    assert news(found.settings, run_id, LATER - timedelta(days=22)) == [documented()["column added"][2]]


def test_the_renamed_column_lands_with_the_line_that_the_refusal_gives(told: dict[str, Told]) -> None:
    found = told["column renamed"]
    (line,) = re.findall(r"write `ordered_at: (.*?)` in", found.refusal)
    from tests.integration.drift_cases import COLUMNS

    shop = OrderShop(
        found.settings.home.parent / "files", found.settings, {"columns": {**COLUMNS, "ordered_at": line}}, DAYS + 1
    )
    assert [load.file for load in shop.land()] == [f"orders-{DAYS}.csv"]
