"""What a run left behind, read from the tables without a session."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

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
    recommendations = _rows(settings, publication, "act_recommendations")
    customer = _customer_to_show(recommendations)
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
        "customer": customer,
        "consent": consent_told(settings, publication),
        "models": _rows_of(settings, "ml", "model_metrics"),
        "paths": _paths(settings),
    }


def consent_told(settings: Settings, publication: Publication) -> dict[str, Any]:
    """How many customers may be contacted, and whether their consent was assumed because no source brings any."""
    told = _rows(settings, publication, "dim_consent", ["is_contactable", "is_consent_assumed"])
    return {
        "contactable": sum(row["is_contactable"] for row in told),
        "is_assumed": any(row["is_consent_assumed"] for row in told),
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
    reasons = Counter(row["reason"] for row in _rows_of(settings, "silver", "quarantine", ["reason"]))
    return {"unreadable lines": bronze, **dict(sorted(reasons.items()))}


def _warning(row: dict[str, Any]) -> str:
    findings = told_findings(json.loads(row["sample_keys"] or "[]"))
    if findings:
        more = (
            f" (and {row['unexpected_count'] - len(findings)} more)" if row["unexpected_count"] > len(findings) else ""
        )
        return f"{row['rule']}: {'; '.join(findings)}{more}"
    return f"{row['table_name']} {row['rule']} {row['column_name'] or ''}: {row['unexpected_count']} rows"


def _segments(settings: Settings, publication: Publication) -> list[dict[str, Any]]:
    customers = _rows(settings, publication, "dim_customer", ["customer_id", "segment_name", "monetary_amount"])
    sizes: Counter[str] = Counter()
    revenue: Counter[str] = Counter()
    for row in customers:
        name = row["segment_name"] or "No purchase yet"
        sizes[name] += 1
        revenue[name] += row["monetary_amount"] or 0
    return [
        {"segment_name": name, "customers": sizes[name], "revenue_amount": float(revenue[name])}
        for name in sorted(sizes, key=lambda name: (-float(revenue[name]), name))
    ]


def _customer_to_show(recommendations: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The first customer with a recommendation that has its own evidence, else the first."""
    personal = [row for row in recommendations if row["evidence_product_id"] is not None]
    chosen = min((personal or recommendations), key=lambda row: str(row["customer_id"]), default=None)
    if chosen is None:
        return None
    own = sorted(
        (row for row in recommendations if row["customer_id"] == chosen["customer_id"]),
        key=lambda row: row["rank"],
    )
    return {"customer_id": chosen["customer_id"], "recommendations": own}


def _rows(
    settings: Settings, publication: Publication, table: str, columns: list[str] | None = None
) -> list[dict[str, Any]]:
    return _rows_of(settings, "gold", table, columns, publication.tables.get(f"gold.{table}"))


def _rows_of(
    settings: Settings,
    schema: str,
    table: str,
    columns: list[str] | None = None,
    version: int | None = None,
) -> list[dict[str, Any]]:
    if not has_table(settings, f"{schema}.{table}"):
        return []
    return list(read_calmly(delta_table(settings, f"{schema}.{table}", version), columns).to_pylist())


def _paths(settings: Settings) -> dict[str, str]:
    return {
        "Data Docs": str(settings.reports_dir / "data_docs" / "index.html"),
        "dbt docs": str(settings.reports_dir / "dbt" / "static_index.html"),
        "MLflow": f"{Path(sys.executable).with_name('mlflow')} ui --backend-store-uri {settings.mlflow_uri}"
        if settings.mlflow_tracking_uri is None
        else settings.mlflow_uri,
    }
