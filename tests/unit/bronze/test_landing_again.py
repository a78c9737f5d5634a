"""Landing again: nothing twice, a changed file supersedes itself, a kill leaves nothing behind."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest
from deltalake import DeltaTable
from landing_shop import LOADED_AT, Shop

from lakehouse import ops
from lakehouse.bronze import batch as batch_module
from lakehouse.bronze import land, landing
from lakehouse.errors import InputError
from lakehouse.sources import parse_source

CSV = "id,name\n1,a\n2,b\n"


def test_a_second_landing_has_nothing_to_do(shop: Shop) -> None:
    shop.write("x.csv", CSV)
    first = shop.land("*.csv")
    versions = {name: _version(shop, name) for name in ("products", "quarantine")}
    assert shop.land("*.csv") == []
    assert {name: _version(shop, name) for name in versions} == versions
    assert [row["batch_id"] for row in shop.loads()] == [first[0].batch_id]


def test_thirty_unchanged_files_cost_well_under_a_second(shop: Shop) -> None:
    an_hour_ago = time.time() - 3600
    for i in range(30):
        path = shop.write(f"x-{i}.csv", f"{CSV}9,{i}\n")
        os.utime(path, (an_hour_ago, an_hour_ago))
    assert len(shop.land("*.csv")) == 30
    begun = time.process_time()
    assert shop.land("*.csv") == []
    assert time.process_time() - begun < 0.7


def test_the_same_content_under_another_name_is_not_landed_twice(shop: Shop) -> None:
    shop.write("x.csv", CSV)
    shop.land("*.csv")
    (shop.folder / "x.csv").rename(shop.folder / "y.csv")
    shop.write("z.csv", CSV)
    assert shop.land("*.csv") == []
    assert len(shop.rows()) == 2


def test_a_file_that_grew_is_a_new_batch_and_its_earlier_batch_is_no_longer_current(shop: Shop) -> None:
    shop.write("x.csv", CSV)
    (first,) = shop.land("*.csv")
    shop.write("x.csv", CSV + "3,c\n")
    (second,) = shop.land("*.csv")
    assert [(row["batch_id"], row["is_current"]) for row in shop.loads()] == [
        (first.batch_id, False),
        (second.batch_id, True),
    ]
    assert len(shop.rows()) == 5


def test_a_file_that_changes_back_is_current_again_and_stands_in_bronze_once(shop: Shop) -> None:
    shop.write("x.csv", CSV)
    (first,) = shop.land("*.csv")
    shop.write("x.csv", CSV + "3,c\n")
    shop.land("*.csv")
    shop.write("x.csv", CSV)
    (again,) = shop.land("*.csv")
    assert again.batch_id == first.batch_id
    assert [(row["batch_id"], row["rows_landed"]) for row in shop.loads() if row["is_current"]] == [(first.batch_id, 2)]
    assert len(shop.rows()) == 5


def test_a_rotated_log_loses_nothing(shop: Shop) -> None:
    shop.write("log.csv", CSV)
    shop.land("log*.csv")
    (shop.folder / "log.csv").rename(shop.folder / "log.1.csv")
    shop.write("log.csv", "id,name\n3,c\n")
    shop.land("log*.csv")
    current = {row["batch_id"]: row["file"] for row in shop.loads() if row["is_current"]}
    assert sorted(current.values()) == ["log.1.csv", "log.csv"]
    rows = [row for row in shop.rows() if current[row["_batch_id"]] == row["_file"]]
    assert [row["id"] for row in rows] == ["1", "2", "3"]


def test_an_entity_taken_out_of_the_source_is_no_longer_current(shop: Shop) -> None:
    shop.write("x.csv", CSV)
    shop.land("x.csv")
    stores = {"name": "shop", "entities": {"stores": {"path": "x.csv", "columns": {"store_id": "id"}}}}
    land(shop.settings, [parse_source(stores, shop.folder)], "run", LOADED_AT)
    assert {(row["entity"], row["is_current"]) for row in shop.loads()} == {
        ("products", False),
        ("stores", True),
    }


@pytest.mark.parametrize("killed_at", ["before the data", "after the data", "after the quarantine"])
def test_a_killed_landing_is_taken_back_by_the_next(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, killed_at: str
) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    shop.write("x.csv", CSV + "3\n")
    with monkeypatch.context() as patch:
        patch.setattr(landing.Journal, "take_back", lambda *_: None)  # a kill leaves no time to clean up
        if killed_at == "before the data":
            patch.setattr(batch_module, "_as_stored", killed)
        elif killed_at == "after the data":
            patch.setattr(batch_module, "_quarantine", killed)
        else:
            patch.setattr(landing.Journal, "commit", killed)
        with pytest.raises(Killed):
            shop.land("x.csv")
    assert shop.loads() == []
    (load,) = shop.land("x.csv")
    assert (load.rows_read, load.rows_landed, load.rows_quarantined) == (3, 2, 1)
    assert [(row["column_name"], row["batch_id"]) for row in profiles(shop)] == [
        ("id", load.batch_id),
        ("name", load.batch_id),
    ]
    assert [row["id"] for row in shop.rows()] == ["1", "2"]
    assert len(shop.faults()) == 1


def profiles(shop: Shop) -> list[dict[str, Any]]:
    return sorted(ops.read(shop.settings, "batch_profiles"), key=lambda row: str(row["column_name"]))


def test_a_kill_between_profiles_and_loads_leaves_no_profile(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.write("x.csv", CSV)
    appended = ops.append

    def killed(settings: Any, table: str, rows: Any) -> None:
        if table == "loads":
            raise KeyboardInterrupt
        appended(settings, table, rows)

    with monkeypatch.context() as patch:
        patch.setattr(ops, "append", killed)
        with pytest.raises(KeyboardInterrupt):
            shop.land("x.csv")
    assert len(profiles(shop)) == 2
    shop.write("x.csv", "id\n7\n")
    (load,) = shop.land("x.csv")
    assert [(row["column_name"], row["batch_id"]) for row in profiles(shop)] == [("id", load.batch_id)]


def test_content_that_is_back_is_profiled_once(shop: Shop) -> None:
    for content in (CSV, CSV + "3,c\n", CSV):
        shop.write("x.csv", content)
        shop.land("x.csv")
    assert len(profiles(shop)) == 4


def test_a_kill_followed_by_other_content_leaves_no_orphans(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.write("x.csv", CSV)
    with monkeypatch.context() as patch:
        patch.setattr(landing.Journal, "commit", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            shop.land("x.csv")
    shop.write("x.csv", "id,name\n7,z\n")
    shop.land("x.csv")
    assert [row["id"] for row in shop.rows()] == ["7"]


def test_files_cleared_away_after_landing_are_no_fault(shop: Shop) -> None:
    shop.write("x.csv", CSV).touch()
    shop.land("x.csv")
    (shop.folder / "x.csv").unlink()
    assert shop.land("x.csv") == []
    assert [row["is_current"] for row in shop.loads()] == [True]


def _version(shop: Shop, table: str) -> int:
    return DeltaTable(shop.settings.table_path("bronze", table)).version()


def test_a_landing_that_failed_half_way_goes_on_where_it_stopped(shop: Shop) -> None:
    shop.write("stores.csv", "store no\n1\n")
    shop.write("x.csv", "")
    both = {
        "stores": {"path": "stores.csv", "columns": {"store_id": "store no"}},
        "products": {"path": "x.csv", "columns": {"product_id": "id"}},
    }
    source = parse_source({"name": "shop", "entities": both}, shop.folder)
    with pytest.raises(InputError, match=r"x\.csv is empty"):
        land(shop.settings, [source], "run", LOADED_AT)
    assert [row["entity"] for row in shop.loads()] == ["stores"]
    shop.write("x.csv", CSV)
    assert [load.entity for load in land(shop.settings, [source], "run", LOADED_AT)] == ["products"]
    assert [row["store_no"] for row in shop.rows("stores")] == ["1"]
