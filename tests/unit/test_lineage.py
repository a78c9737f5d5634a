"""The lineage graph tells of the models what they really read and write."""

from __future__ import annotations

import importlib
import re

import pytest
import yaml

from lakehouse.settings import CHECKOUT
from ml import comparisons
from ml.tasks import TASKS

MODELS = CHECKOUT / "dbt_project" / "models"
EXPOSURES = {
    one["name"]: one for one in yaml.safe_load((MODELS / "features" / "exposures_ml.yml").read_text())["exposures"]
}
ABOUT_MODELS = {"model_comparisons", *comparisons.ABOUT}
SOURCES = {table["name"] for table in yaml.safe_load((MODELS / "sources_ml.yml").read_text())["sources"][0]["tables"]}


@pytest.mark.parametrize("name", TASKS)
def test_an_exposure_names_the_features_that_the_task_reads_and_the_tables_that_it_writes(name: str) -> None:
    told = EXPOSURES[f"ml_{name}"]
    reads = importlib.import_module(f"ml.{name}.features").READS
    assert sorted(re.findall(r"ref\('(\w+)'\)", " ".join(told["depends_on"]))) == sorted(reads)
    assert tuple(told["meta"]["writes"]) == TASKS[name].writes


def test_every_table_of_a_task_is_a_source_of_the_marts() -> None:
    assert {table for task in TASKS.values() for table in task.writes} | ABOUT_MODELS == SOURCES
