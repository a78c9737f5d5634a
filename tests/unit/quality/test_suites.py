"""Suite files are read, expanded and refused with a sentence that names file, rule and fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakehouse.errors import InputError
from lakehouse.quality.suites import LAYERS, load_suites, read_suite, snake_case
from lakehouse.settings import CHECKOUT

GOOD = """
table: silver.orders
key: [order_id]
rules:
  - {type: ExpectColumnValuesToNotBeNull, columns: [order_id, ordered_at], severity: error, owner: no key no order}
  - {type: expect_column_values_to_be_between, kwargs: {column: price, min_value: 0}, mostly: 0.9,
     row_condition: is_sale, severity: warn, owner: prices are positive}
"""


def written(folder: Path, text: str, name: str = "orders.yml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_columns_expand_into_one_rule_each(tmp_path: Path) -> None:
    suite = read_suite(written(tmp_path, GOOD), "silver")
    assert [(rule.type, rule.column, rule.severity) for rule in suite.rules] == [
        ("expect_column_values_to_not_be_null", "order_id", "error"),
        ("expect_column_values_to_not_be_null", "ordered_at", "error"),
        ("expect_column_values_to_be_between", "price", "warn"),
    ]
    assert (suite.rules[2].mostly, suite.rules[2].row_condition) == (0.9, "is_sale")
    assert suite.key == ("order_id",)


@pytest.mark.parametrize(
    ("camel", "snake"),
    [
        ("ExpectColumnValuesToNotBeNull", "expect_column_values_to_not_be_null"),
        ("expect_column_values_to_not_be_null", "expect_column_values_to_not_be_null"),
        ("UnexpectedRowsExpectation", "unexpected_rows_expectation"),
    ],
)
def test_types_are_taken_in_either_spelling(camel: str, snake: str) -> None:
    assert snake_case(camel) == snake


@pytest.mark.parametrize(
    ("changed", "to", "said"),
    [
        (
            "severity: warn",
            "severity: fatal",
            "rule 2 (expect_column_values_to_be_between): `severity` must be",
        ),
        (", owner: no key no order", "", "rule 1 (expect_column_values_to_not_be_null): `owner` is missing"),
        ("mostly: 0.9", "mostly: 90", "`mostly` must be a share in 0..1, found 90"),
        ("mostly: 0.9", "mosty: 0.9", "unknown field `mosty` (did you mean `mostly`?)"),
        ("type: ExpectColumnValuesToNotBeNull, ", "", "rule 1: `type` is missing"),
        ("table: silver.orders", "table: orders", "`table` must be schema.table"),
        (
            "table: silver.orders",
            "table: silver.lines",
            "table silver.lines belongs in a file named lines.yml",
        ),
        ("columns: [order_id, ordered_at]", "columns: [order_id, order_id]", "on order_id is declared twice"),
        ("key: [order_id]", "key: order_id", "`key` must be a list of names"),
        ("rules:", "rules: none\nother:", "unknown field `other`"),
        ("table: silver.orders", "table: [silver", "is not YAML"),
        (
            "table: silver.orders",
            "table: silver.orders\nquery: a\nmeasure: b",
            "give a `query` or a `measure`, not both",
        ),
    ],
)
def test_a_wrong_file_is_refused_with_the_rule_and_the_fault(tmp_path: Path, changed: str, to: str, said: str) -> None:
    assert changed in GOOD
    path = written(tmp_path, GOOD.replace(changed, to))
    with pytest.raises(InputError) as refused:
        read_suite(path, "silver")
    assert said in str(refused.value)
    assert str(path) in str(refused.value)


def test_a_file_that_is_not_a_mapping_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a mapping with `table` and `rules`, found a list"):
        read_suite(written(tmp_path, "- a\n"), "silver")


def test_a_table_without_a_suite_is_named(tmp_path: Path) -> None:
    (tmp_path / "silver").mkdir()
    written(tmp_path / "silver", GOOD)
    with pytest.raises(InputError, match=r"no suite for silver\.nothing"):
        load_suites("silver", ["silver.nothing", "silver.orders"], tmp_path)


def test_an_unknown_layer_is_refused() -> None:
    with pytest.raises(InputError, match="unknown layer 'platinum': one of bronze, silver, ml, gold"):
        load_suites("platinum")


def test_every_rule_of_the_house_is_one_that_great_expectations_takes() -> None:
    from lakehouse.quality.table_check import build_expectations

    for layer in LAYERS:
        for suite in load_suites(layer):
            assert len(build_expectations(suite)) == len(suite.rules)


def test_every_suite_stops_the_run_for_something() -> None:
    for layer in LAYERS:
        for suite in load_suites(layer):
            assert any(rule.severity == "error" for rule in suite.rules), suite.path


def test_every_table_that_dbt_builds_has_a_suite() -> None:
    """A model `stg_x` is table silver.x, `int_x` none; a new model comes with `expectations/<layer>/<table>.yml`."""
    models = CHECKOUT / "dbt_project" / "models"
    built = {
        f"silver.{path.stem.removeprefix('stg_')}"
        for folder in ("staging", "intermediate")
        for path in (models / folder).rglob("*.sql")
        if not path.stem.startswith("int_")
    } | {
        f"gold.{path.stem}"
        for folder in ("features", "marts", "activation", "history")
        for path in (models / folder).rglob("*.sql")
        if not path.stem.startswith("int_")
    }
    judged = {suite.table for layer in ("silver", "gold") for suite in load_suites(layer)}
    assert sorted(built - judged) == []


def test_every_table_that_the_models_write_has_a_suite() -> None:
    from ml.tables import ML_SCHEMAS

    judged = {suite.table for suite in load_suites("ml")}
    assert {f"ml.{table}" for table in ML_SCHEMAS} - judged == set()


def test_every_bronze_table_and_ops_loads_have_a_suite() -> None:
    silver = {path.stem.removeprefix("stg_") for path in (CHECKOUT / "dbt_project").rglob("stg_*.sql")}
    judged = {suite.table for suite in load_suites("bronze")}
    assert {f"bronze.{entity}" for entity in silver} - judged == set()
    assert {"ops.loads", "bronze.quarantine"} <= judged
