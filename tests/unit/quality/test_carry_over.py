"""Which verdicts still hold when a gate comes to a table again."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from lakehouse.quality import Suite, read_suite, run_gate
from lakehouse.quality.carry_over import still_valid
from lakehouse.settings import Settings

MONDAY = datetime(2026, 5, 4, 12, tzinfo=timezone.utc)
TUESDAY = MONDAY + timedelta(days=1)
RULES = """
key: [order_id]
rules:
  - {type: expect_column_values_to_not_be_null, columns: [order_id], severity: error, owner: lost}
"""


def suite(folder: Path, text: str, table: str = "silver.orders") -> Suite:
    (folder / "silver").mkdir(exist_ok=True)
    path = folder / "silver" / f"{table.split('.')[1]}.yml"
    path.write_text(f"table: {table}\n{text}")
    return read_suite(path, "silver")


def condition(text: str) -> str:
    return f'{RULES}  - {{type: expect_rows_to_satisfy, kwargs: {{condition: "{text}"}}, severity: warn, owner: odd}}\n'


def write(settings: Settings, rows: dict[str, list[Any]], mode: Any = "append", table: str = "orders") -> None:
    write_deltalake(settings.table_path("silver", table), pa.table(rows), mode=mode)


def no_spark() -> Any:
    raise AssertionError("Spark was asked")


def gate(settings: Settings, folder: Path, at: datetime = MONDAY, known: Any = None) -> Any:
    return run_gate(no_spark, settings, "silver", f"run-{at:%d}", at, folder=folder, known=known)


@pytest.fixture
def orders(home_settings: Settings) -> Settings:
    at = [datetime(2026, 1, 1, tzinfo=timezone.utc)] * 2
    write(home_settings, {"order_id": ["A", "B"], "price": [1, 2], "seen_at": pa.array(at, pa.timestamp("us", "UTC"))})
    return home_settings


def test_an_unchanged_table_keeps_its_verdict_and_is_written_down_again(orders: Settings, tmp_path: Path) -> None:
    one = suite(tmp_path, condition("price < 2"))
    first = gate(orders, tmp_path)
    assert first.warnings[0].sample_keys == ("order_id=B",)
    known = still_valid(orders, [one], TUESDAY)
    assert known == {"silver.orders": first.outcomes}
    again = gate(orders, tmp_path, TUESDAY, known)
    assert again.headline == "1 tables, 1 of 2 rules passed, 1 warning, 1 tables as they last passed"
    assert still_valid(orders, [one], TUESDAY) == known


@pytest.mark.parametrize(
    "change",
    ["rows", "rewritten", "made anew", "rule", "page"],
)
def test_whatever_a_verdict_rests_on_voids_it_when_it_changes(orders: Settings, tmp_path: Path, change: str) -> None:
    import shutil

    one = suite(tmp_path, RULES)
    gate(orders, tmp_path)
    assert list(still_valid(orders, [one], TUESDAY)) == ["silver.orders"]
    same = {"order_id": ["A", "B"], "price": [1, 2]}
    if change == "rows":
        write(orders, {"order_id": ["C"], "price": [3], "seen_at": pa.array([None], pa.timestamp("us", "UTC"))})
    elif change == "rewritten":
        write_deltalake(
            orders.table_path("silver", "orders"), pa.table(same), mode="overwrite", schema_mode="overwrite"
        )
    elif change == "made anew":
        shutil.rmtree(orders.table_path("silver", "orders"))
        write(orders, same)
    elif change == "rule":
        one = suite(tmp_path, RULES.replace("severity: error", "severity: warn"))
    else:
        shutil.rmtree(orders.reports_dir)
    assert still_valid(orders, [one], TUESDAY) == {}


def test_a_failed_error_is_judged_again(home_settings: Settings, tmp_path: Path) -> None:
    write(home_settings, {"order_id": ["A", "A"], "price": [1, 2]})
    text = "rules:\n  - {type: expect_key_to_be_unique, kwargs: {columns: [order_id]}, severity: error, owner: twice}\n"
    one = suite(tmp_path, text)
    (failed,) = gate(home_settings, tmp_path).failures
    assert (failed.unexpected_count, failed.sample_keys) == (1, ())
    assert still_valid(home_settings, [one], TUESDAY) == {}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("seen_at <= current_timestamp() + interval 1 day", True),
        ("seen_at <= current_timestamp()", True),
        ("price between 1 and year(current_date())", True),
        ("not seen_at > current_timestamp()", False),
        ("seen_at >= timestamp'2020-01-01' or seen_at > current_timestamp()", False),
        ("price > 0", True),
    ],
)
def test_a_rule_about_the_clock_holds_on_only_if_time_can_but_ease_it(
    orders: Settings, tmp_path: Path, text: str, holds: bool
) -> None:
    one = suite(tmp_path, condition(text))
    gate(orders, tmp_path)
    assert bool(still_valid(orders, [one], TUESDAY)) == holds


def test_a_clock_set_back_voids_a_verdict_about_the_clock(orders: Settings, tmp_path: Path) -> None:
    one = suite(tmp_path, condition("seen_at <= current_timestamp()"))
    gate(orders, tmp_path, TUESDAY)
    assert still_valid(orders, [one], MONDAY) == {}


def test_a_query_rests_on_every_table_that_it_names(orders: Settings, tmp_path: Path) -> None:
    from lakehouse.quality.carry_over import table_states

    write(orders, {"id": [1]}, table="lines")
    text = "query: select * from silver.orders cross join `silver`.`lines`\n" + RULES
    one = suite(tmp_path, text, "silver.books")
    before = table_states(orders, one)
    assert before is not None
    assert sorted(before) == ["silver.lines", "silver.orders"]
    write(orders, {"id": [2]}, table="lines")
    after = table_states(orders, one)
    assert after is not None
    assert {name for name in after if after[name] != before[name]} == {"silver.lines"}


def test_a_measure_rests_on_the_tables_that_it_is_taken_from(orders: Settings, tmp_path: Path) -> None:
    from lakehouse.quality.carry_over import _tables_read

    one = suite(tmp_path, "measure: reconciliation\n" + RULES, "silver.reconciliation")
    assert {"ops.loads", "ops.sources", "silver.quarantine", "silver.events"} <= _tables_read(one)
