"""`lakehouse superset import` into a real Superset over a real endpoint: what is there then, and every mistake."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lakehouse.publication import current
from lakehouse.settings import Settings
from lakehouse.superset.client import Superset
from tests.superset.conftest import importing
from tests.superset.servers import Endpoint, lakehouse


def test_mistakes_are_told_before_anything_is_imported(
    empty: tuple[str, Path], analysts: Endpoint, tmp_path: Path
) -> None:
    url, password_file = empty
    wrong = tmp_path / "wrong"
    wrong.write_text("not the password", encoding="utf-8")
    closed = f"spark://analyst@localhost:1/gold?tls=verify&ca={analysts.ca}"
    unknown_driver = f"hive://analyst@localhost:{analysts.port}/gold?auth=NO"
    cases = [
        ({"password_file": wrong}, "refuses user 'admin'"),
        ({"database_password_file": wrong}, "Superset cannot read spark://analyst@localhost"),
        ({"database_uri": closed}, "Superset cannot read spark://analyst@localhost:1/gold"),
        ({"database_uri": analysts.uri.replace(str(analysts.ca), "/no/such/ca.crt")}, "Superset cannot read"),
        ({"database_uri": unknown_driver}, "Superset cannot read hive://"),
        ({"database_uri": "spark://analyst:secret@localhost:1/gold"}, "leave the password out of --database-uri"),
        ({"database_uri": "sparc://localhost"}, "is no address like spark://"),
    ]
    for other, said in cases:
        done = lakehouse(*importing(url, password_file, analysts, **other))
        assert done.returncode == 2, (other, done.stderr)
        assert said in done.stderr, (other, done.stderr)
        assert analysts.password_file.read_text().strip() not in done.stdout + done.stderr
    nobody = lakehouse(*importing("http://localhost:1", password_file, analysts))
    assert nobody.returncode == 1
    assert "http://localhost:1 cannot be reached" in nobody.stderr
    before = Superset(url)
    before.log_in("admin", password_file.read_text(encoding="utf-8"))
    assert before.get("/api/v1/dashboard/")["count"] == 0


def test_a_second_import_changes_nothing_but_what_was_changed_by_hand(
    api: Superset, filled: tuple[str, Path], analysts: Endpoint
) -> None:
    before = _everything(api)
    assert {kind: len(found) for kind, found in before.items()} == {
        "dashboard": 5, "chart": 68, "dataset": 16, "database": 1,
    }  # fmt: skip
    number = api.get("/api/v1/dashboard/lakehouse-segments")["result"]["id"]
    answer = api.send("PUT", f"/api/v1/dashboard/{number}", json={"dashboard_title": "Mine"})
    assert answer.ok, answer.text
    url, password_file = filled
    done = lakehouse(*importing(url, password_file, analysts), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["absent"] == []
    assert _everything(api) == before


def test_tables_are_listed_by_their_names(api: Superset, sample: Settings) -> None:
    published = current(sample)
    assert published is not None
    number = next(one["id"] for one in api.get("/api/v1/database/")["result"])
    listed = api.get(f"/api/v1/database/{number}/tables/", q="(force:!t,schema_name:gold)")["result"]
    assert sorted(one["value"] for one in listed) == sorted(name.split(".")[1] for name in published.tables)
    assert set(api.get(f"/api/v1/database/{number}/schemas/")["result"]) <= {"gold", "default"}


def test_types_of_columns_are_those_of_the_tables(api: Superset) -> None:
    number = next(one["id"] for one in api.get("/api/v1/database/")["result"])
    told = api.get(f"/api/v1/database/{number}/table_metadata/", name="mart_revenue_daily", schema="gold")
    types = {column["name"]: column["type"] for column in told["columns"]}
    assert (types["ordered_on"], types["channel"], types["order_count"]) == ("DATE", "VARCHAR", "BIGINT")
    assert types["net_sale_amount"].startswith("DECIMAL")


@pytest.mark.parametrize(("grain", "count"), [("P1D", 366), ("P1W", 53), ("P1M", 13), ("P3M", 5), ("P1Y", 2)])
def test_days_weeks_months_quarters_and_years(api: Superset, grain: str, count: int) -> None:
    """The sample has sales on 366 days, from 2024-12-31 to 2025-12-31; its weeks begin on Monday."""
    dataset = next(
        one for one in api.get("/api/v1/dataset/", q="(page_size:100)")["result"]
        if one["table_name"] == "mart_revenue_daily"
    )  # fmt: skip
    axis = {"columnType": "BASE_AXIS", "sqlExpression": "ordered_on", "label": "ordered_on", "expressionType": "SQL",
            "timeGrain": grain}  # fmt: skip
    query = {"columns": [axis], "metrics": ["net_sale_amount"], "row_limit": 1000, "orderby": []}
    asked = {
        "datasource": {"id": dataset["id"], "type": "table"},
        "queries": [query],
        "result_format": "json",
        "result_type": "full",
    }
    rows = api.post("/api/v1/chart/data", json=asked)["result"][0]["data"]
    assert len(rows) == count
    if grain == "P1W":
        mondays = {row["ordered_on"] // 86_400_000 % 7 for row in rows}
        assert mondays == {4}  # 1970-01-01 was a Thursday


def _everything(api: Superset) -> dict[str, list[dict[str, Any]]]:
    """What there is of each kind, without the times of change."""
    kept = ("id", "uuid", "dashboard_title", "slice_name", "table_name", "database_name")
    return {
        kind: sorted(
            (
                {name: one[name] for name in kept if name in one}
                for one in api.get(f"/api/v1/{kind}/", q="(page_size:100)")["result"]
            ),
            key=lambda one: int(one["id"]),
        )
        for kind in ("dashboard", "chart", "dataset", "database")
    }
