"""The parts of retention: predicates of places, keys that leave no name, what classes.yml may declare."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from deltalake import write_deltalake
from hypothesis import given
from hypothesis import strategies as st

from lakehouse import ops
from lakehouse.errors import LakehouseError
from lakehouse.privacy import classes
from lakehouse.privacy.classes import Classes, Retention, retentions
from lakehouse.privacy.keyring import open_keyring
from lakehouse.privacy.person_keys import Mapped
from lakehouse.privacy.retention import places
from lakehouse.privacy.retention.places import (
    MANY_STRETCHES,
    _holding,
    _stretches,
    _values,
    counts,
    delete_at,
    rows_at,
)
from lakehouse.settings import Settings, load_settings
from lakehouse.storage import delta_table

SCATTERED = [[number, number] for number in range(0, 6 * MANY_STRETCHES, 3)]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(home=tmp_path / "home")


def write(settings: Settings, batches: dict[str, int]) -> None:
    batch = [name for name, count in batches.items() for _ in range(count)]
    row = [number for count in batches.values() for number in range(count)]
    table = pa.table({"_batch_id": batch, "_row_number": pa.array(row, pa.int64())})
    write_deltalake(settings.table_uri("silver", "t"), table)


def left(settings: Settings) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for row in delta_table(settings, "silver.t").to_pyarrow_table().to_pylist():
        found.setdefault(row["_batch_id"], []).append(row["_row_number"])
    return {name: sorted(numbers) for name, numbers in found.items()}


def test_rows_go_by_whole_batches_by_stretches_and_one_by_one(settings: Settings) -> None:
    write(settings, {"whole": 5, "ends": 10, "scattered": 6 * MANY_STRETCHES, "other": 3})
    old = {"whole": [[0, 4]], "ends": [[0, 2], [8, 9]], "scattered": SCATTERED, "of nobody": [[0, 7]]}
    told = [part.num_rows for part in rows_at(settings, "silver.t", old, "_batch_id", "_row_number")]
    kept = [part.num_rows for part in rows_at(settings, "silver.t", old, "_batch_id", "_row_number", others=True)]
    gone = 5 + 5 + len(SCATTERED)
    assert (sum(told), sum(kept)) == (gone, 5 + 10 + 6 * MANY_STRETCHES + 3 - gone)
    delete_at(settings, "silver.t", old)
    one_by_one = [number for number in range(6 * MANY_STRETCHES) if number % 3]
    assert left(settings) == {"ends": [3, 4, 5, 6, 7], "scattered": one_by_one, "other": [0, 1, 2]}


def test_many_batches_are_deleted_without_one_predicate_of_thousands_of_parts(settings: Settings) -> None:
    write(settings, {f"b{number}": 2 for number in range(1000)})
    delete_at(settings, "silver.t", {f"b{number}": [[1, 1]] for number in range(1000)})
    assert left(settings) == {f"b{number}": [0] for number in range(1000)}


@given(st.sets(st.integers(1, 40)))
def test_stretches_are_the_numbers_and_no_two_touch(numbers: set[int]) -> None:
    told = _stretches(list(numbers))
    assert {number for first, last in told for number in range(first, last + 1)} == numbers
    assert all(second[0] > first[1] + 1 for first, second in zip(told, told[1:]))
    assert counts({"b": told}) == {"b": len(numbers)}


def test_a_key_that_is_forgotten_leaves_no_name_and_a_destroyed_one_stays_destroyed(settings: Settings) -> None:
    with open_keyring(settings, make=True) as keyring:
        before = keyring.keys_for(["a", "b", "c"])
        keyring.destroy(["b"])
        assert keyring.forget(["a", "b", "nobody"]) == 1
        assert keyring.held(["a"]) == {}
        assert keyring.all_destroyed() == {"b"}
        again = keyring.keys_for(["a", "b", "c"])
        assert again["a"] != before["a"], "what was sealed for them stays sealed"
        assert again["c"] == before["c"]
        assert "b" not in again
        with pytest.raises(LakehouseError, match="whole house"):
            keyring.forget(["#audit"])


def test_every_entity_that_is_not_kept_for_good_says_since_when() -> None:
    assert retentions()["events"].shorter == {"url": 365, "referrer": 365}
    assert retentions()["tickets"] == Retention(1095, ("opened_at", "closed_at"))
    assert retentions()["third_party_profiles"] == Retention(365, ("landed",))
    assert "suppressions" not in retentions()
    assert retentions().keys() >= {"customers", "order_lines", "events", "locations"}


@pytest.mark.parametrize(
    ("entity", "given", "said"),
    [
        ("events", {"since": ["happened_at"]}, "events cannot be kept since 'happened_at': name activity, event_at"),
        ("events", {"since": ["event_type"]}, "cannot be kept since 'event_type'"),
        ("holdings", {"since": ["activity"]}, "holdings cannot be kept since 'activity': name as_of_on, landed"),
        ("events", {"since": []}, "cannot be kept since 'none'"),
        ("products", {"retention_days": 10}, "cannot be kept since 'none'"),
    ],
)
def test_what_cannot_be_a_time_of_a_row_is_refused(entity: str, given: dict[str, Any], said: str) -> None:
    declared = declared_with(entity)
    declared["entities"][entity] |= given
    with pytest.raises(LakehouseError, match=said):
        Classes(declared)


def test_a_column_may_be_kept_for_fewer_days_than_its_row() -> None:
    declared = declared_with("tickets", body={"class": "sensitive", "mask": "withheld", "retention_days": 90})
    told = Classes(declared)
    assert told.retentions["tickets"].shorter == {"body": 90}
    kept = {column: told.of("tickets", column).retention_days for column in ("body", "subject")}
    assert kept == {"body": 90, "subject": 1095}
    assert told.of("silver.tickets", "body").retention_days == 90
    assert told.of("silver.tickets", "source").retention_days == 1095


@pytest.mark.parametrize(
    ("entity", "column", "days", "said"),
    [
        ("events", "url", 730, "events.url cannot have a retention of 730 days: that is no shorter than its row"),
        ("events", "url", 0, "no shorter than its row"),
        ("products", "title", 30, "products cannot be kept since 'none'"),
        ("events", "event_at", 30, "rows are told by it, or their age"),
        ("events", "customer_id", 30, "rows are told by it, or their age"),
        ("order_lines", "order_id", 30, "rows are told by it, or their age"),
        ("sends", "opened_at", 30, "rows are told by it, or their age"),
        ("customers", "phone", 30, "the vault has it as one with its row"),
        ("customers", "birth_on", 30, "the vault has it as one with its row"),
    ],
)
def test_a_column_that_its_row_cannot_be_without_is_refused(entity: str, column: str, days: int, said: str) -> None:
    declared = declared_with(entity)
    about = declared["entities"][entity]["columns"][column]
    about = {"class": about} if isinstance(about, str) else about
    with pytest.raises(LakehouseError, match=said):
        Classes(declared_with(entity, **{column: {**about, "retention_days": days}}))


def test_stored_columns_that_make_something_else_too_stay() -> None:
    columns = {"url": "`page`", "referrer": "concat(`from`, `host`)", "session_id": "`host`", "query": "`q`"}
    raw = {name: name for name in ("page", "from", "host", "q")}
    mapped = Mapped("web", "events", columns, raw, True)
    assert mapped.made_only_into(("url", "referrer")) == ("from", "page")
    assert mapped.made_only_into(("session_id",)) == ()


def test_rows_that_have_nothing_of_a_column_any_more_are_not_found_again(settings: Settings) -> None:
    rows = pa.table(
        {
            "_batch_id": ["a"] * 4 + ["b"],
            "_row_number": pa.array([1, 2, 3, 4, 1], pa.int64()),
            "url": ["/1", None, None, "/4", "/1"],
            "referrer": [None, None, "x", None, None],
        }
    )
    write_deltalake(settings.table_uri("bronze", "events"), rows)
    found = _holding(settings, "bronze.events", {"a": [[1, 4]], "c": [[1, 1]]}, ["url", "referrer"])
    assert found == {"a": [[1, 1], [3, 4]]}
    assert _holding(settings, "bronze.events", {"a": [[2, 2]]}, ["url", "referrer"]) == {}


def test_a_stored_column_of_two_goes_with_the_one_that_is_kept_longer(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = {"events": Retention(730, ("event_at",), {"url": 90, "referrer": 365})}
    monkeypatch.setattr(places, "retentions", lambda: kept)
    ops.ensure_tables(settings)
    columns = {"url": "concat(`host`, `page`)", "referrer": "concat(`host`, `from`)"}
    raw = {name: name for name in ("host", "page", "from")}
    mapped = {"source": "web", "entity": "events", "columns": columns, "raw_columns": raw}
    ops.append(settings, "sources", [mapped])
    ops.append(settings, "loads", [{"source": "web", "entity": "events", "batch_id": "a", "is_current": True}])
    row = {"_batch_id": "a", "_row_number": 1, "host": "h", "page": "p", "from": "f"}
    write_deltalake(settings.table_uri("bronze", "events"), pa.Table.from_pylist([row]))
    told = [one for days in (90, 365) for one in _values(settings, "events", days, {"a": [[1, 1]]})]
    assert [(one.columns, one.stored) for one in told] == [(("url",), ("page",)), (("referrer",), ("from", "host"))]


def declared_with(entity: str, **columns: Any) -> dict[str, Any]:
    """The declaration as it is, but for these columns."""
    declared: dict[str, Any] = yaml.safe_load(classes.DECLARED.read_text(encoding="utf-8"))
    declared["entities"][entity]["columns"] |= columns
    return declared
