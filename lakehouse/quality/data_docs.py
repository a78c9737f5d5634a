"""Data Docs: Great Expectations' pages under `HOME/reports/data_docs`, the newest result of every suite.

Results are kept beside the pages as JSON, so that the four gates of a run, or single ones called by hand, add to one
site; only the pages of the suites just judged are rendered.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import great_expectations as gx
from great_expectations.core.run_identifier import RunIdentifier
from great_expectations.data_context.types.base import DataContextConfig, ProgressBarsConfig
from great_expectations.data_context.types.resource_identifiers import (
    ExpectationSuiteIdentifier,
    ValidationResultIdentifier,
)

from lakehouse.quality.docs_index import write_index
from lakehouse.quality.table_check import TableCheck

SITE = "data_docs"
RESULTS = "validation_results"


def write_data_docs(reports_dir: Path, checks: Sequence[TableCheck], run_id: str, validated_at: datetime) -> Path:
    """Replace the results and pages of the suites in `checks`, rebuild the index; returns the index page."""
    index = reports_dir / SITE / "index.html"
    if not checks:
        return index
    context = _context(reports_dir)
    store = context.validation_results_store
    identifiers = []
    for check in checks:
        _forget(reports_dir, check.suite.table)
        run = RunIdentifier(run_name=run_id, run_time=validated_at)
        key = ValidationResultIdentifier(ExpectationSuiteIdentifier(check.suite.table), run, check.suite.table)
        check.result.meta |= {
            "run_id": run,
            "validation_time": validated_at.isoformat(),
            "batch_spec": {"data_asset_name": check.suite.table, "about": check.suite.about},
        }
        store.set(key, check.result)
        identifiers.append(key)
    context.build_data_docs(resource_identifiers=identifiers, build_index=False)
    return write_index(reports_dir / SITE, reports_dir / RESULTS)


def _context(reports_dir: Path) -> Any:
    """A context that lives in memory, with its validation results and its site in folders."""
    results = {
        "class_name": "TupleFilesystemStoreBackend",
        "base_directory": str(reports_dir / RESULTS),
    }
    site = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(reports_dir / SITE)}
    memory = {"class_name": "InMemoryStoreBackend"}
    config = DataContextConfig(
        stores={
            "expectations_store": {"class_name": "ExpectationsStore", "store_backend": memory},
            "validation_results_store": {"class_name": "ValidationResultsStore", "store_backend": results},
            "checkpoint_store": {"class_name": "CheckpointStore", "store_backend": memory},
            "validation_definition_store": {
                "class_name": "ValidationDefinitionStore",
                "store_backend": memory,
            },
        },
        expectations_store_name="expectations_store",
        validation_results_store_name="validation_results_store",
        checkpoint_store_name="checkpoint_store",
        data_docs_sites={
            SITE: {
                "class_name": "SiteBuilder",
                "show_how_to_buttons": False,
                "store_backend": site,
                "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
                "site_section_builders": {"expectations": "None", "profiling": "None"},
            }
        },
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    return gx.get_context(mode="ephemeral", project_config=config)


def _forget(reports_dir: Path, suite_name: str) -> None:
    """Drop the earlier result of a suite and its page: the site shows the newest one.

    GX keeps what belongs to suite `silver.orders` in `silver/orders/`.
    """
    for folder in (reports_dir / RESULTS, reports_dir / SITE / "validations"):
        shutil.rmtree(folder.joinpath(*suite_name.split(".")), ignore_errors=True)
