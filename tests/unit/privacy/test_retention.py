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

from lakehouse.errors import LakehouseError
from lakehouse.privacy import classes
from lakehouse.privacy.classes import Classes, Retention, retentions
from lakehouse.privacy.keyring import open_keyring
from lakehouse.privacy.retention.places import MANY_STRETCHES, _stretches, counts, delete_at, rows_at
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
    places = {"whole": [[0, 4]], "ends": [[0, 2], [8, 9]], "scattered": SCATTERED, "of nobody": [[0, 7]]}
    told = [part.num_rows for part in rows_at(settings, "silver.t", places, "_batch_id", "_row_number")]
    kept = [part.num_rows for part in rows_at(settings, "silver.t", places, "_batch_id", "_row_number", others=True)]
    gone = 5 + 5 + len(SCATTERED)
    assert (sum(told), sum(kept)) == (gone, 5 + 10 + 6 * MANY_STRETCHES + 3 - gone)
    delete_at(settings, "silver.t", places)
    one_by_one = [number for number in range(6 * MANY_STRETCHES) if number % 3]
    assert left(settings) == {"ends": [3, 4, 5, 6, 7], "scattered": one_by_one, "other": [0, 1, 2]}


def test_many_batches_are_deleted_without_one_predicate_of_thousands_of_parts(settings: Settings) -> None:
    write(settings, {f"b{number}": 2 for number in range(1000)})
    delete_at(settings, "silver.t", {f"b{number}": [[1, 1]] for number in range(1000)})
    assert left(settings) == {f"b{number}": [0] for number in range(1000)}


@given(st.sets(st.integers(1, 40)))
def test_stretches_are_the_numbers_and_no_two_touch(numbers: set[int]) -> None:
    told = _stretches(numbers)
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
    declared = yaml.safe_load(classes.DECLARED.read_text(encoding="utf-8"))
    declared["entities"][entity] |= given
    with pytest.raises(LakehouseError, match=said):
        Classes(declared)


def test_a_retention_of_one_column_alone_is_refused() -> None:
    declared = yaml.safe_load(classes.DECLARED.read_text(encoding="utf-8"))
    declared["entities"]["events"]["columns"]["url"]["retention_days"] = 30
    with pytest.raises(LakehouseError, match=r"events\.url is kept as long as its row"):
        Classes(declared)
