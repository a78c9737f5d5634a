"""The dashboards' files agree with each other and with the models that dbt builds."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from lakehouse.errors import InputError
from lakehouse.privacy.classes import class_of
from lakehouse.superset import DASHBOARDS_DIR, read_assets
from lakehouse.superset.assets import DATABASE_FILE
from lakehouse.superset.columns import declared_columns, declared_description

ASSETS = read_assets()
DATASETS = {one["uuid"]: one for one in ASSETS.of("datasets")}
CHARTS = {one["uuid"]: one for one in ASSETS.of("charts")}
TABLES = [one for one in DATASETS.values() if one["sql"] is None]


@pytest.mark.parametrize("dataset", TABLES, ids=lambda one: one["table_name"])
def test_a_dataset_has_the_columns_that_its_model_declares(dataset: Mapping[str, Any]) -> None:
    """If it has not: `python -m lakehouse.superset.columns`."""
    read = [column for column in dataset["columns"] if column["expression"] is None]
    assert read == declared_columns(dataset["table_name"])
    assert dataset["description"] == declared_description(dataset["table_name"])
    names = [str(column["column_name"]) for column in read]
    assert [name for name in names if class_of(dataset["table_name"], name).mask] == []


def test_a_chart_names_columns_and_measures_that_its_dataset_has() -> None:
    unknown = []
    for chart in CHARTS.values():
        dataset = DATASETS[chart["dataset_uuid"]]
        metrics = {metric["metric_name"] for metric in dataset["metrics"]}
        columns = {column["column_name"] for column in dataset["columns"]}
        unknown += [f"{chart['slice_name']}: {name}" for name in _measures(chart["params"]) if name not in metrics]
        unknown += [f"{chart['slice_name']}: {name}" for name in _columns(chart["params"]) if name not in columns]
    assert unknown == []


def test_every_chart_is_on_one_dashboard_and_every_dashboard_is_told() -> None:
    placed = Counter(
        place["meta"]["uuid"]
        for dashboard in ASSETS.of("dashboards")
        for place in dashboard["position"].values()
        if isinstance(place, dict) and place.get("type") == "CHART"
    )
    assert placed == Counter(dict.fromkeys(CHARTS, 1))
    assert sorted(one["dashboard_title"] for one in ASSETS.of("dashboards")) == [
        "Campaign and funnel",
        "Customer overview",
        "Data quality and runs",
        "Recommendations and activation",
        "Segments",
    ]


def test_a_filter_reaches_only_charts_that_have_its_column() -> None:
    wrong = []
    for dashboard in ASSETS.of("dashboards"):
        numbers = {
            place["meta"]["chartId"]: CHARTS[place["meta"]["uuid"]]
            for place in dashboard["position"].values()
            if isinstance(place, dict) and place.get("type") == "CHART"
        }
        for native in dashboard["metadata"]["native_filter_configuration"]:
            assert not set(native["scope"]["excluded"]) & set(native["chartsInScope"])
            assert set(native["scope"]["excluded"]) | set(native["chartsInScope"]) == set(numbers)
            column = native["targets"][0].get("column", {}).get("name")
            for chart in (numbers[number] for number in native["chartsInScope"]):
                dataset = DATASETS[chart["dataset_uuid"]]
                if column and column not in {one["column_name"] for one in dataset["columns"]}:
                    wrong.append(f"{dashboard['slug']}: {native['name']} on {chart['slice_name']}")
                if native["filterType"] == "filter_timegrain" and "time_grain_sqla" not in chart["params"]:
                    wrong.append(f"{dashboard['slug']}: {native['name']} on {chart['slice_name']}")
    assert wrong == []


def test_the_bundle_has_the_address_and_no_password() -> None:
    bundle = ASSETS.bundle("spark://analyst:XXXXXXXXXX@host:10000/gold", {"engine_params": {}})
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        names = archive.namelist()
        database = yaml.safe_load(archive.read(f"lakehouse/{DATABASE_FILE}"))
        metadata = yaml.safe_load(archive.read("lakehouse/metadata.yaml"))
    assert len(names) == len(ASSETS.files) + 1
    assert metadata["type"] == "assets"
    assert database["sqlalchemy_uri"] == "spark://analyst:XXXXXXXXXX@host:10000/gold"
    assert database["extra"]["engine_params"] == {}
    assert not database["allow_dml"]


def test_files_that_are_none_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no databases/lakehouse.yaml"):
        read_assets(tmp_path)
    (tmp_path / "charts").mkdir()
    (tmp_path / "charts" / "broken.yaml").write_text("a: [", encoding="utf-8")
    with pytest.raises(InputError, match=r"broken\.yaml is no YAML"):
        read_assets(tmp_path)
    assert DASHBOARDS_DIR.is_dir()


def _measures(params: Mapping[str, Any]) -> Iterator[str]:
    for name in ("metric", "x", "y", "size", "timeseries_limit_metric"):
        if params.get(name) is not None:
            yield params[name]
    for name in ("metrics", "metrics_b", "percent_metrics"):
        yield from params.get(name) or []


def _columns(params: Mapping[str, Any]) -> Iterator[str]:
    for name in ("x_axis", "entity", "series"):
        if params.get(name) is not None:
            yield params[name]
    for name in ("groupby", "groupby_b", "all_columns"):
        found = params.get(name) or []
        yield from [found] if isinstance(found, str) else found
