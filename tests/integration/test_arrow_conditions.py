"""Conditions that Arrow evaluates come out as Spark's, on every combination of values that conditions turn on."""

from __future__ import annotations

from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest
from pyspark.sql import functions as F

from lakehouse.quality import LAYERS, load_suites
from lakehouse.quality.arrow_condition import ArrowCondition
from lakehouse.quality.stored_table import open_table
from tests.integration.conftest import Shop
from tests.integration.suite_mutations import NOW, combinations

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Shapes that no suite has yet.
OTHERS = (
    ("silver.order_lines", "not (quantity < 1) and unit_price * 2 > 0.5"),
    ("silver.order_lines", "quantity + quantity <= 2 or discount_amount - gross_amount = 0"),
    ("silver.order_lines", "coalesce(discount_amount, 0) >= 0"),
    ("silver.order_lines", "cast(unit_price * 1.25 as decimal(18, 1)) <> 1.3"),
    ("silver.order_lines", "currency in ('A', 'CNY') and currency is not null"),
    ("silver.order_lines", "currency rlike 'N|X' or currency like '_'"),
    ("silver.order_lines", "ordered_at > timestamp'2020-01-01 01:00:00'"),
    ("gold.fct_orders", "line_count between -1 and 1"),
    ("ml.click_predictions", "click_probability > 0.5 or click_probability <= 0"),
)


def conditions(shop: Shop) -> list[tuple[str, str]]:
    """Table and condition of every rule that is one, each condition once."""
    of_suites = {
        rule.kwargs["condition"]: suite.table
        for layer in LAYERS
        for suite in load_suites(layer)
        for rule in suite.rules
        if rule.type == "expect_rows_to_satisfy" and suite.query is None and suite.measure is None
    }
    return [*((table, condition) for condition, table in of_suites.items() if "current_" not in condition), *OTHERS]


def test_arrow_breaks_the_rows_that_spark_breaks(spark: SparkSession, shop: Shop, tmp_path: Path) -> None:
    by_arrow, counts = {}, []
    for place, (table, condition) in enumerate(conditions(shop)):
        stored = open_table(shop.settings, table)
        assert stored is not None
        assert stored.schema is not None
        rows = combinations(condition, stored.schema)
        (batch,) = rows.combine_chunks().to_batches()
        by_arrow[condition] = ArrowCondition(condition, stored.schema, NOW).breaking(batch)
        pq.write_table(rows, tmp_path / f"{place}.parquet")
        frame = spark.read.parquet(str(tmp_path / f"{place}.parquet"))
        counts.append(frame.agg(F.lit(condition).alias("condition"), F.count_if(~F.expr(condition)).alias("broken")))
    by_spark = {row["condition"]: row["broken"] for row in reduce(lambda a, b: a.union(b), counts).collect()}
    assert by_arrow == by_spark
    assert len(by_arrow) >= 70
    assert all(by_arrow.values())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.0])
def test_bounds_of_a_column_with_odd_floats_are_never_believed_wrongly(
    home_spark: SparkSession, tmp_path: Path, value: float
) -> None:
    """Spark takes NaN for greater than any number: a footer that hides it must not prove `<= 1`."""
    from deltalake import DeltaTable

    from lakehouse.quality.stored_table import StoredTable

    home_spark.createDataFrame([(0.5,), (value,)], "share double").write.format("delta").save(str(tmp_path / "t"))
    bounds = StoredTable(DeltaTable(tmp_path / "t")).bounds("share")
    breaking = home_spark.read.format("delta").load(str(tmp_path / "t")).where("share > 1").count()
    assert (bounds is None or bounds.greatest > 1) if breaking else bounds is not None
