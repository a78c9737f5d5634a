"""What people are called and where they live stays in their rows: not in Data Docs, `ops.validations` or a message."""

from __future__ import annotations

from datetime import date, datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
import yaml
from deltalake import write_deltalake

from lakehouse import ops
from lakehouse.errors import InputError
from lakehouse.privacy.classes import hidden_columns
from lakehouse.quality import read_suite, run_gate
from lakehouse.quality.stored_table import open_table
from lakehouse.quality.suites import EXPECTATIONS_DIR
from lakehouse.settings import Settings
from tests.conftest import use_home
from tests.integration.conftest import Shop

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NOON = datetime(2026, 5, 1, 12, tzinfo=timezone.utc)
TABLES = ("customers", "partner_members", "third_party_profiles", "tickets")
LINEAGE = ("source", "_file", "_batch_id", "_row_number", "_loaded_at")
BORN, YEAR, LATITUDE = date(1987, 6, 5), 1987654, 131.987654
# Great Expectations' types that keep values of the rows in their results: of a set, of an order, row by row.
TELLING: tuple[tuple[str, dict[str, Any]], ...] = (
    ("expect_column_values_to_match_regex", {"regex": "^nothing$"}),
    ("expect_column_distinct_values_to_be_in_set", {"value_set": ["nothing"]}),
    ("expect_column_most_common_value_to_be_in_set", {"value_set": ["nothing"]}),
)


def planted(column: str) -> str:
    return f"PLANTED-{column}"


def bad_rows(shop: Shop, table: str, key: list[str]) -> pa.Table:
    """Two rows in which every text that is no key or lineage says whose it is, and odd days and places."""
    stored = open_table(shop.settings, f"silver.{table}")
    assert stored is not None
    assert stored.schema is not None
    row: dict[str, Any] = {}
    for field in stored.schema:
        if pa.types.is_string(field.type):
            row[field.name] = "K" if field.name in (*key, *LINEAGE) else planted(field.name)
        elif pa.types.is_date(field.type):
            row[field.name] = BORN
        elif pa.types.is_floating(field.type):
            row[field.name] = LATITUDE if field.name in hidden_columns() else -1.0
        elif pa.types.is_boolean(field.type):
            row[field.name] = False
        elif pa.types.is_integer(field.type):
            row[field.name] = YEAR if field.name in hidden_columns() else 0
    schema = pa.schema([field.with_nullable(True) for field in stored.schema])
    return pa.Table.from_pylist([row, row], schema=schema)


def telling_suite(rows: pa.Table, table: str, folder: Path) -> Path:
    """The table's own suite with rules that would show every planted column."""
    suite = yaml.safe_load((EXPECTATIONS_DIR / "silver" / f"{table}.yml").read_text())
    texts = [f.name for f in rows.schema if str(rows.column(f.name)[0]).startswith("PLANTED")]
    in_set = {"type": "expect_column_values_to_be_in_set", "name": "telling", "kwargs": {"value_set": ["nothing"]}}
    added: list[dict[str, Any]] = [in_set | {"columns": texts}]
    if table == "customers":
        added += [{"type": kind, "name": "telling", "columns": ["email"], "kwargs": kwargs} for kind, kwargs in TELLING]
        ages = {"column": "birth_year", "min_value": 9_000_000}
        added += [{"type": "expect_column_max_to_be_between", "name": "telling_birth", "kwargs": ages}]
        places = {"column": "latitude", "min_value": 500}
        added += [{"type": "expect_column_max_to_be_between", "name": "telling_place", "kwargs": places}]
        query = {"unexpected_rows_query": "select * from {batch} where full_name is not null"}
        added += [{"type": "unexpected_rows_expectation", "name": "telling_rows", "kwargs": query}]
    for place, rule in enumerate(added):
        suite["rules"].append(rule | {"name": f"{rule['name']}_{place}", "severity": "error", "owner": "x"})
    path = folder / "silver" / f"{table}.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(suite))
    return path


def test_no_value_of_a_failing_row_is_shown_anywhere(
    spark: SparkSession, shop: Shop, home_settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "expectations"
    columns = 0
    for table in TABLES:
        key = yaml.safe_load((EXPECTATIONS_DIR / "silver" / f"{table}.yml").read_text())["key"]
        rows = bad_rows(shop, table, key)
        columns += sum(str(rows.column(name)[0]).startswith("PLANTED") for name in rows.column_names)
        write_deltalake(home_settings.table_path("silver", table), rows)
        telling_suite(rows, table, folder)
    use_home(spark, home_settings)
    report = run_gate(spark, home_settings, "silver", "r", NOON, folder=folder)

    told = [o for o in report.outcomes if o.rule.label.startswith("telling")]
    assert all(not outcome.passed for outcome in told)
    assert {o.rule.type for o in told} >= {kind for kind, _ in TELLING} | {"unexpected_rows_expectation"}
    assert columns >= 15
    pages = [p for p in home_settings.reports_dir.rglob("*") if p.suffix in (".html", ".json")]
    assert len(pages) >= 2 * len(TABLES)
    shown = {
        "the message": report.message(),
        "ops.validations": str(ops.read(home_settings, "validations")),
        **{str(page): page.read_text() for page in pages},
    }
    for where, text in shown.items():
        for value in ("PLANTED", BORN.isoformat(), str(YEAR), str(LATITUDE)):
            assert value not in text, f"{where} shows {text[max(0, text.find(value) - 200) :][:300]}"
    assert "customer_id=K" in report.message()


@pytest.mark.parametrize("column", ["phone", "email", "full_name", "id_card", "address"])
def test_a_key_that_would_show_a_person_is_refused(tmp_path: Path, column: str) -> None:
    path = tmp_path / "people.yml"
    path.write_text(
        f"table: silver.people\nkey: [source, {column}]\nrules:\n"
        "  - {type: expect_column_values_to_not_be_null, columns: [source], severity: error, owner: x}\n"
    )
    with pytest.raises(InputError, match=f"`key` names {column}: samples of failed rules would show personal data"):
        read_suite(path, "silver")


def test_a_runtime_error_of_spark_is_told_without_the_value_that_it_quotes(
    home_spark: SparkSession, home_settings: Settings, tmp_path: Path
) -> None:
    people = pa.table({"person_id": ["1"], "email": ["ann@shop.cn"]})
    write_deltalake(home_settings.table_path("silver", "people"), people)
    use_home(home_spark, home_settings)
    path = tmp_path / "silver" / "people.yml"
    path.parent.mkdir()
    path.write_text(
        "table: silver.people\nkey: [person_id]\nrules:\n"
        "  - {type: expect_rows_to_satisfy, severity: error, owner: x,\n"
        '     kwargs: {condition: "assert_true(false, email) is null"}}\n'
    )
    with pytest.raises(InputError) as refused:
        run_gate(home_spark, home_settings, "silver", "r", NOON, folder=tmp_path)
    assert "cannot be judged on silver.people" in str(refused.value)
    assert "ann@" not in str(refused.value)
