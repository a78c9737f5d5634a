"""The tables that the models read and write: `gold.*` in, `ml.*` out.

Predictions are computed on the driver as arrays, so they are written by delta-rs (tens of milliseconds a table) and
not by Spark (about one CPU second a table, however small).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import CommitProperties, write_deltalake

from lakehouse.catalog import register_tables
from lakehouse.settings import Settings
from lakehouse.storage import find_table
from ml.frames import F, is_connected

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ML_SCHEMAS: dict[str, pa.Schema] = {
    "recommendations": pa.schema(
        [
            ("customer_id", pa.string()),
            ("rank", pa.int32()),
            ("product_id", pa.string()),
            ("score", pa.float64()),
            ("strategy", pa.string()),
            ("evidence_product_id", pa.string()),
            ("evidence_type", pa.string()),
            ("made_of", pa.int64()),
            ("model_version", pa.string()),
        ]
    ),
    "item_similarity": pa.schema(
        [
            ("product_id", pa.string()),
            ("similar_product_id", pa.string()),
            ("rank", pa.int32()),
            ("similarity", pa.float64()),
            ("model_version", pa.string()),
        ]
    ),
    "customer_segments": pa.schema(
        [
            ("customer_id", pa.string()),
            ("segment_id", pa.int32()),
            ("segment_name", pa.string()),
            ("action", pa.string()),
            ("next_segment_name", pa.string()),
            ("reason_feature", pa.string()),
            ("reason_value", pa.float64()),
            ("reason_effect", pa.float64()),
            ("model_version", pa.string()),
        ]
    ),
    "segment_profiles": pa.schema(
        [
            ("segment_id", pa.int32()),
            ("segment_name", pa.string()),
            ("action", pa.string()),
            ("customer_count", pa.int64()),
            ("recency_days", pa.float64()),
            ("frequency", pa.float64()),
            ("monetary_amount", pa.float64()),
            ("revenue_amount", pa.decimal128(18, 2)),
            ("model_version", pa.string()),
        ]
    ),
    "segment_elbow": pa.schema(
        [
            ("k", pa.int32()),
            ("cost", pa.float64()),
            ("silhouette", pa.float64()),
            ("is_chosen", pa.bool_()),
            ("model_version", pa.string()),
        ]
    ),
    "segment_tests": pa.schema(
        [
            ("feature", pa.string()),
            ("is_fitted_on", pa.bool_()),
            ("anova_f", pa.float64()),
            ("anova_p", pa.float64()),
            ("eta_squared", pa.float64()),
            ("kruskal_h", pa.float64()),
            ("kruskal_p", pa.float64()),
            ("epsilon_squared", pa.float64()),
            ("customer_count", pa.int64()),
            ("model_version", pa.string()),
        ]
    ),
    "click_predictions": pa.schema(
        [
            ("customer_id", pa.string()),
            ("creative_id", pa.string()),
            ("slot_id", pa.string()),
            ("region", pa.string()),
            ("click_probability", pa.float64()),
            ("reason_feature", pa.string()),
            ("reason_value", pa.string()),
            ("reason_effect", pa.float64()),
            ("model_version", pa.string()),
        ]
    ),
    "click_coefficients": pa.schema(
        [("feature", pa.string()), ("coefficient", pa.float64()), ("model_version", pa.string())]
    ),
    "click_curves": pa.schema(
        [
            ("curve", pa.string()),
            ("x", pa.float64()),
            ("y", pa.float64()),
            ("impression_count", pa.int64()),
            ("model_version", pa.string()),
        ]
    ),
    "model_metrics": pa.schema(
        [
            ("task", pa.string()),
            ("model_version", pa.string()),
            ("metric", pa.string()),
            ("value", pa.float64()),
            ("baseline", pa.string()),
            ("baseline_value", pa.float64()),
            ("split", pa.string()),
            ("interval_low", pa.float64()),
            ("interval_high", pa.float64()),
            ("lead_low", pa.float64()),
            ("lead_high", pa.float64()),
        ]
    ),
    "model_fairness": pa.schema(
        [
            ("task", pa.string()),
            ("model_version", pa.string()),
            ("attribute", pa.string()),
            ("group_name", pa.string()),
            ("measure", pa.string()),
            ("customer_count", pa.int64()),
            ("row_count", pa.int64()),
            ("value", pa.float64()),
            ("interval_low", pa.float64()),
            ("interval_high", pa.float64()),
        ]
    ),
    "model_fairness_gaps": pa.schema(
        [
            ("task", pa.string()),
            ("model_version", pa.string()),
            ("attribute", pa.string()),
            ("measure", pa.string()),
            ("highest_group", pa.string()),
            ("lowest_group", pa.string()),
            ("gap", pa.float64()),
            ("interval_low", pa.float64()),
            ("interval_high", pa.float64()),
            ("chance", pa.float64()),
        ]
    ),
    "model_curves": pa.schema(
        [
            ("task", pa.string()),
            ("model_version", pa.string()),
            ("curve", pa.string()),
            ("x", pa.float64()),
            ("y", pa.float64()),
            ("row_count", pa.int64()),
        ]
    ),
    "customer_value": pa.schema(
        [
            ("customer_id", pa.string()),
            ("expected_order_amount", pa.float64()),
            ("expected_order_count_90d", pa.float64()),
            ("expected_order_count_90d_low", pa.float64()),
            ("expected_order_count_90d_high", pa.float64()),
            ("expected_value_90d_amount", pa.float64()),
            ("expected_value_90d_low_amount", pa.float64()),
            ("expected_value_90d_high_amount", pa.float64()),
            ("order_count_90d_low", pa.int32()),
            ("order_count_90d_high", pa.int32()),
            ("expected_order_count_365d", pa.float64()),
            ("expected_order_count_365d_low", pa.float64()),
            ("expected_order_count_365d_high", pa.float64()),
            ("expected_value_365d_amount", pa.float64()),
            ("expected_value_365d_low_amount", pa.float64()),
            ("expected_value_365d_high_amount", pa.float64()),
            ("order_count_365d_low", pa.int32()),
            ("order_count_365d_high", pa.int32()),
            ("alive_probability", pa.float64()),
            ("reason_feature", pa.string()),
            ("reason_value", pa.float64()),
            ("reason_effect", pa.float64()),
            ("model_version", pa.string()),
        ]
    ),
    "budget_allocation": pa.schema(
        [
            ("channel", pa.string()),
            ("currency", pa.string()),
            ("unit_cost_amount", pa.float64()),
            ("unit_return_amount", pa.float64()),
            ("unit_return_error", pa.float64()),
            ("recent_count", pa.int64()),
            ("minimum_count", pa.int64()),
            ("maximum_count", pa.int64()),
            ("allocated_count", pa.int64()),
            ("allocated_amount", pa.decimal128(18, 2)),
            ("expected_return_amount", pa.decimal128(18, 2)),
            ("bound", pa.string()),
            ("shadow_price", pa.float64()),
            ("budget_amount", pa.decimal128(18, 2)),
            ("budget_shadow_price", pa.float64()),
            ("one_more_return_amount", pa.float64()),
            ("conflict", pa.string()),
            ("model_version", pa.string()),
        ]
    ),
    "purchase_predictions": pa.schema(
        [
            ("customer_id", pa.string()),
            ("purchase_probability", pa.float64()),
            ("decile", pa.int32()),
            ("reason_feature", pa.string()),
            ("reason_value", pa.float64()),
            ("reason_effect", pa.float64()),
            ("model_version", pa.string()),
        ]
    ),
    "purchase_importances": pa.schema(
        [
            ("feature", pa.string()),
            ("importance_mean", pa.float64()),
            ("importance_std", pa.float64()),
            ("model_version", pa.string()),
        ]
    ),
    "churn_predictions": pa.schema(
        [
            ("customer_id", pa.string()),
            ("churn_probability", pa.float64()),
            ("churn_probability_low", pa.float64()),
            ("churn_probability_high", pa.float64()),
            ("median_days_to_churn", pa.float64()),
            ("contact_on", pa.date32()),
            ("is_lapsed", pa.bool_()),
            ("reason_feature", pa.string()),
            ("reason_effect", pa.string()),
            ("reason_value", pa.float64()),
            ("model_version", pa.string()),
        ]
    ),
    "churn_curves": pa.schema(
        [
            ("risk_group", pa.string()),
            ("days", pa.int32()),
            ("survival", pa.float64()),
            ("model_version", pa.string()),
        ]
    ),
    "ticket_texts": pa.schema(
        [
            ("source", pa.string()),
            ("ticket_id", pa.string()),
            ("customer_id", pa.string()),
            ("opened_at", pa.timestamp("us", tz="UTC")),
            ("language", pa.string()),
            ("sentiment", pa.float64()),
            ("sentiment_label", pa.string()),
            ("topic", pa.string()),
            ("topic_terms", pa.list_(pa.string())),
            ("reason_feature", pa.string()),
            ("reason_effect", pa.float64()),
            ("model_version", pa.string()),
        ]
    ),
    "customer_traits": pa.schema(
        [
            ("customer_id", pa.string()),
            ("trait", pa.string()),
            ("value", pa.string()),
            ("probability", pa.float64()),
            ("is_known", pa.bool_()),
            ("basis", pa.string()),
            ("reason_feature", pa.string()),
            ("reason", pa.string()),
            ("model_version", pa.string()),
        ]
    ),
    "trait_reliability": pa.schema(
        [
            ("trait", pa.string()),
            ("evidence", pa.string()),
            ("tenth", pa.int32()),
            ("mean_probability", pa.float64()),
            ("right_share", pa.float64()),
            ("customer_count", pa.int64()),
            ("model_version", pa.string()),
        ]
    ),
    "model_comparisons": pa.schema(
        [
            ("task", pa.string()),
            ("as_of_on", pa.date32()),
            ("challenger_version", pa.string()),
            ("champion_version", pa.string()),
            ("metric", pa.string()),
            ("unit_count", pa.int64()),
            ("champion_value", pa.float64()),
            ("challenger_value", pa.float64()),
            ("difference", pa.float64()),
            ("margin", pa.float64()),
            ("interval_low", pa.float64()),
            ("interval_high", pa.float64()),
            ("is_promoted", pa.bool_()),
            ("why", pa.string()),
        ]
    ),
}


_WITHHELD: ContextVar[tuple[str, ...]] = ContextVar("withheld", default=())


@contextmanager
def withholding(customers: Sequence[str]) -> Iterator[None]:
    """Nothing of these customers is read of gold while the block runs: what is held of them may only be kept."""
    before = _WITHHELD.set(tuple(customers))
    try:
        yield
    finally:
        _WITHHELD.reset(before)


def withheld() -> tuple[str, ...]:
    """Those customers."""
    return _WITHHELD.get()


def without_withheld(frame: DataFrame) -> DataFrame:
    """The rows of nobody, and of those customers who are not withheld."""
    if not _WITHHELD.get() or "customer_id" not in frame.columns:
        return frame
    return frame.where(F.col("customer_id").isNull() | ~F.col("customer_id").isin(list(_WITHHELD.get())))


def gold(spark: SparkSession, table: str, columns: Mapping[str, str]) -> DataFrame:
    """`gold.<table>` with these columns (name to Spark type); typed nulls for a column or an empty frame for a table
    that this home does not have.
    """
    schema = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    if not spark.catalog.tableExists(f"gold.{table}"):
        return spark.createDataFrame([], schema)
    frame = without_withheld(spark.table(f"gold.{table}"))
    present = set(frame.columns)
    return frame.select(
        *[(F.col(name) if name in present else F.lit(None)).cast(kind).alias(name) for name, kind in columns.items()]
    )


def gold_rows(settings: Settings, table: str, columns: Mapping[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
    """`gold.<table>` batch by batch in these columns, as `gold` gives them; no engine is asked. At least one batch."""
    wanted = pa.schema(list(columns.items()))
    found = find_table(settings, f"gold.{table}")
    yield pa.RecordBatch.from_pylist([], wanted)
    if found is not None:
        stored = found.to_pyarrow_dataset()
        present = [name for name in columns if name in stored.schema.names]
        withheld = pa.array(_WITHHELD.get(), pa.string())
        told = ["customer_id"] if len(withheld) and "customer_id" in stored.schema.names else []
        for batch in stored.to_batches(columns=list(dict.fromkeys([*present, *told]))):
            if told:
                batch = batch.filter(pc.invert(pc.is_in(batch["customer_id"].cast(pa.string()), withheld)))
            arrays = [
                batch[field.name].cast(field.type) if field.name in present else pa.nulls(len(batch), field.type)
                for field in wanted
            ]
            yield pa.RecordBatch.from_arrays(arrays, schema=wanted)


def gold_versions(settings: Settings, tables: Sequence[str]) -> dict[str, int]:
    """The Delta version of each gold table read, by full name; absent tables are left out."""
    found = {f"gold.{table}": find_table(settings, f"gold.{table}") for table in tables}
    return {name: int(delta.version()) for name, delta in found.items() if delta is not None}


def gold_columns(settings: Settings, tables: Sequence[str]) -> dict[str, str]:
    """The type of each column of these gold tables, by `gold.<table>.<column>`; absent tables have none."""
    found = {f"gold.{table}": find_table(settings, f"gold.{table}") for table in tables}
    return {
        f"{name}.{field.name}": str(field.type)
        for name, delta in found.items()
        if delta is not None
        for field in delta.schema().fields
    }


def write(spark: SparkSession, settings: Settings, table: str, columns: Mapping[str, Any]) -> int:
    """Make these columns the whole content of `ml.<table>`; returns the number of rows.

    Args:
        columns: a sequence of equal length (or a scalar, repeated) for every column of the table's schema.
    """
    told = content(table, columns)
    write_table(spark, settings, table, told)
    return len(told)


def content(table: str, columns: Mapping[str, Any]) -> pa.Table:
    """These columns, as for `write`, in the schema of `ml.<table>`."""
    schema = ML_SCHEMAS[table]
    lengths = [len(value) for value in columns.values() if not _is_scalar(value)]
    rows = lengths[0] if lengths else 0
    return pa.Table.from_arrays([_array(columns[field.name], field.type, rows) for field in schema], schema=schema)


def _array(values: Any, kind: pa.DataType, rows: int) -> pa.Array:
    if _is_scalar(values):
        return pa.repeat(pa.scalar(values, kind), rows)
    return values.cast(kind) if isinstance(values, pa.Array) else pa.array(values, kind, from_pandas=True)


def taken(names: Sequence[str | None] | npt.NDArray[np.object_], places: npt.NDArray[np.integer[Any]]) -> pa.Array:
    """The name at each of these places as a column; none at a place below 0."""
    place = pa.array(places, pa.int64(), mask=places < 0)
    return pa.array(names, pa.string(), from_pandas=True).take(place)


def write_empty(spark: SparkSession, settings: Settings, *tables: str) -> None:
    """Make these `ml` tables empty, with their columns: what an absent entity leaves."""
    for table in tables:
        write_table(spark, settings, table, ML_SCHEMAS[table].empty_table())


def write_table(
    spark: SparkSession, settings: Settings, table: str, told: pa.Table, note: Mapping[str, str] | None = None
) -> None:
    """Overwrite `ml.<table>` and make it known to a session of Spark's (Sail looks for itself).

    Args:
        note: what the commit says beside its rows.
    """
    write_deltalake(
        settings.table_uri("ml", table),
        told,
        mode="overwrite",
        schema_mode="overwrite",
        commit_properties=CommitProperties(custom_metadata=dict(note or {})),
    )
    if not is_connected(spark):
        register_tables(spark, settings, only=[("ml", table)])
        spark.catalog.refreshTable(f"ml.{table}")


def read(settings: Settings, table: str) -> pa.Table:
    """The content of `ml.<table>`; empty where it was never written."""
    found = find_table(settings, f"ml.{table}")
    return ML_SCHEMAS[table].empty_table() if found is None else found.to_pyarrow_table()


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float, bool))
