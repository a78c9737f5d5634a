"""What a run left behind, read from the tables without a session."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse import ops
from lakehouse.catalog import row_count
from lakehouse.publication import Publication
from lakehouse.quality.gate import told_findings
from lakehouse.settings import SCHEMAS, Settings
from lakehouse.storage import delta_table, has_table, list_tables, read_calmly


def collect(settings: Settings, publication: Publication) -> dict[str, Any]:
    """The summary of the published set: rows per layer, rules, segments, one customer, models, paths."""
    validations = ops.read(settings, "validations")
    newest = [row for row in validations if row["run_id"] == publication.run_id]
    return {
        "run_id": publication.run_id,
        "as_of_on": publication.as_of_on,
        "rows": rows_per_layer(settings),
        "quarantined": _quarantined(settings),
        "rules": {
            "passed": sum(row["passed"] for row in newest),
            "failed": sum(not row["passed"] for row in newest),
            "warnings": [_warning(row) for row in newest if not row["passed"]],
        },
        "segments": _segments(settings, publication),
        "customer": _customer_to_show(settings, publication),
        "consent": consent_told(settings, publication),
        "models": _rows_of(settings, "ml.model_metrics").to_pylist(),
        "paths": _paths(settings),
    }


def consent_told(settings: Settings, publication: Publication) -> dict[str, Any]:
    """How many customers may be contacted, and whether their consent was assumed because no source brings any."""
    told = _rows(settings, publication, "dim_consent", ["is_contactable", "is_consent_assumed"])
    return {
        "contactable": pc.sum(told["is_contactable"], min_count=0).as_py(),
        "is_assumed": pc.any(told["is_consent_assumed"].cast(pa.bool_()), min_count=0).as_py(),
    }


def rows_per_layer(settings: Settings) -> dict[str, dict[str, int]]:
    """Rows of every table that has any, by layer, from Delta's own statistics."""
    counts: dict[str, dict[str, int]] = {schema: {} for schema in SCHEMAS if schema != "ops"}
    for schema, table in list_tables(settings):
        if schema in counts:
            rows = row_count(delta_table(settings, f"{schema}.{table}"))
            if rows:
                counts[schema][table] = rows
    return counts


def _quarantined(settings: Settings) -> dict[str, int]:
    bronze = sum(row["rows_quarantined"] for row in ops.read(settings, "loads") if row["is_current"])
    reasons = pc.value_counts(_rows_of(settings, "silver.quarantine", ["reason"])["reason"]).to_pylist()
    return {"unreadable lines": bronze, **dict(sorted((one["values"], one["counts"]) for one in reasons))}


def _warning(row: dict[str, Any]) -> str:
    findings = told_findings(json.loads(row["sample_keys"] or "[]"))
    if findings:
        more = (
            f" (and {row['unexpected_count'] - len(findings)} more)" if row["unexpected_count"] > len(findings) else ""
        )
        return f"{row['rule']}: {'; '.join(findings)}{more}"
    return f"{row['table_name']} {row['rule']} {row['column_name'] or ''}: {row['unexpected_count']} rows"


def _segments(settings: Settings, publication: Publication) -> list[dict[str, Any]]:
    customers = _rows(settings, publication, "dim_customer", ["segment_name", "monetary_amount"])
    of_segment = customers.group_by("segment_name", use_threads=False)
    segments = [
        {
            "segment_name": row["segment_name"] or "No purchase yet",
            "customers": row["count_all"],
            "revenue_amount": float(row["monetary_amount_sum"] or 0),
        }
        for row in of_segment.aggregate([([], "count_all"), ("monetary_amount", "sum")]).to_pylist()
    ]
    return sorted(segments, key=lambda row: (-row["revenue_amount"], row["segment_name"]))


def _customer_to_show(settings: Settings, publication: Publication) -> dict[str, Any] | None:
    """The first customer with a recommendation that has its own evidence, else the first."""
    table = "act_recommendations"
    told = _rows(settings, publication, table, ["customer_id", "evidence_product_id"])
    personal = told.filter(pc.is_valid(told["evidence_product_id"]))
    chosen = pc.min((personal if personal.num_rows else told)["customer_id"]).as_py()
    if chosen is None:
        return None
    own = _rows(settings, publication, table, condition=pc.field("customer_id") == chosen)
    return {"customer_id": chosen, "recommendations": sorted(own.to_pylist(), key=lambda row: row["rank"])}


def _rows(
    settings: Settings,
    publication: Publication,
    table: str,
    columns: list[str] | None = None,
    condition: pc.Expression | None = None,
) -> pa.Table:
    return _rows_of(settings, f"gold.{table}", columns, condition, publication.tables.get(f"gold.{table}"))


def _rows_of(
    settings: Settings,
    table: str,
    columns: list[str] | None = None,
    condition: pc.Expression | None = None,
    version: int | None = None,
) -> pa.Table:
    """No rows of these columns where the table is not there."""
    if not has_table(settings, table):
        return pa.table({name: pa.array([], pa.null()) for name in columns or []})
    return read_calmly(delta_table(settings, table, version), columns, condition)


def _paths(settings: Settings) -> dict[str, str]:
    return {
        "Data Docs": str(settings.reports_dir / "data_docs" / "index.html"),
        "dbt docs": str(settings.reports_dir / "dbt" / "static_index.html"),
        "MLflow": f"{Path(sys.executable).with_name('mlflow')} ui --backend-store-uri {settings.mlflow_uri}"
        if settings.mlflow_tracking_uri is None
        else settings.mlflow_uri,
    }
