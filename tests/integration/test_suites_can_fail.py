"""Every rule of every suite passes on good rows and fails on changed ones: a rule that cannot fail says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from pyspark.sql.pandas.types import to_arrow_schema

from lakehouse.entities import ENTITIES
from lakehouse.quality import LAYERS, Rule, Suite, load_suites
from lakehouse.quality.expectation_objects import build_expectations, judge_counts
from lakehouse.quality.failing_keys import failing_keys
from lakehouse.quality.file_counts import MeasuredRows, count_by_files
from lakehouse.quality.measures import MEASURES
from lakehouse.quality.stored_table import open_table
from tests.conftest import use_home
from tests.integration.conftest import Shop
from tests.integration.suite_mutations import NOW, first_good, mutated, values_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SUITES = [suite for layer in LAYERS for suite in load_suites(layer)]
# What a made-up row of an entity that the shop does not bring must hold to be good; everything else is by type.
MADE_UP = {"currency": "CNY", "rating": 5.0, "satisfaction": 50.0}

KEYS_OF_DOUBLES = ("ml.click_curves", "ml.model_curves")
"""Java writes a double in its own way."""


def verdicts(suite: Suite, rows: pa.Table) -> dict[tuple[str, str | None], bool]:
    """Great Expectations' verdict of every rule on these rows."""
    counts = count_by_files(MeasuredRows(rows), suite.rules, NOW)
    assert len(counts) == len(suite.rules), f"{suite.path}: some rule is not counted without Spark"
    judged = zip(suite.rules, build_expectations(suite), strict=True)
    return {name(rule): bool(judge_counts(e, counts[n]).success) for n, (rule, e) in enumerate(judged)}


def name(rule: Rule) -> tuple[str, str | None]:
    return rule.label, rule.column


def good_rows(shop: Shop, spark: SparkSession, suite: Suite) -> pa.Table:
    """Rows that the run of the shop has made; one made-up row for an entity that it does not bring."""
    if suite.query is not None:
        use_home(spark, shop.settings)
        frame = spark.sql(suite.query)
        return pa.Table.from_pylist([row.asDict() for row in frame.collect()], schema=to_arrow_schema(frame.schema))
    if suite.measure is not None:
        rows = MEASURES[suite.measure].figures(shop.settings)
    else:
        stored = open_table(shop.settings, suite.table)
        assert stored is not None
        assert stored.schema is not None
        rows = pa.Table.from_batches(list(stored.batches(stored.columns)), stored.schema)
    good = first_good(rows, suite.rules)
    return good if good.num_rows else made_up_row(suite, rows.schema)


def made_up_row(suite: Suite, schema: pa.Schema) -> pa.Table:
    """A row of a table that the shop leaves empty: the first of what is tried by type, 1 for an integer."""
    assert suite.table.split(".")[1] in (*ENTITIES, "drift"), f"the shop has no row of {suite.table}"
    row = {field.name: values_of(field.type)[pa.types.is_integer(field.type)] for field in schema}
    known = {name: value for name, value in MADE_UP.items() if name in row}
    return pa.Table.from_pylist([row | known], schema=schema)


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.table)
def test_every_rule_passes_on_good_rows_and_a_change_of_them_makes_it_fail(
    shop: Shop, spark: SparkSession, suite: Suite
) -> None:
    good = good_rows(shop, spark, suite)
    assert [rule for rule, passed in verdicts(suite, good).items() if not passed] == []
    cannot_fail, asks_spark = [], []
    for rule in suite.rules:
        bad = mutated(rule, good)
        if bad is None or verdicts(suite, bad)[name(rule)]:
            cannot_fail.append(name(rule))
        elif failing_keys(MeasuredRows(bad), rule, suite.key, NOW) is None and suite.table not in KEYS_OF_DOUBLES:
            asks_spark.append(name(rule))
    assert cannot_fail == [], f"{suite.path}: nothing that was tried makes these rules fail: remove or mend them"
    assert asks_spark == [], f"{suite.path}: files do not tell the keys of rows that break these rules"
