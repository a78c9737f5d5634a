"""What is to be landed follows from content, not from names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lakehouse.bronze.naming import stored_names
from lakehouse.bronze.plan import plan_entity, relative_name

FOLDER = Path("/shop")


def load(file: str, sha: str, is_current: bool = True) -> dict[str, Any]:
    return {"file": file, "content_sha256": sha, "batch_id": f"batch of {sha}", "is_current": is_current}


def plan(on_disk: dict[str, str], *loads: dict[str, Any]) -> tuple[list[str], list[str]]:
    result = plan_entity({FOLDER / name: sha for name, sha in on_disk.items()}, FOLDER, loads)
    return [new.file for new in result.to_land], result.superseded_batch_ids


def test_new_files_are_landed_and_equal_ones_once() -> None:
    assert plan({"a": "1", "b": "2", "c": "1"}) == (["a", "b"], [])


def test_landed_content_is_left_alone_under_whatever_name() -> None:
    assert plan({"a": "1"}, load("a", "1")) == ([], [])
    assert plan({"renamed": "1"}, load("a", "1")) == ([], [])
    assert plan({"a": "1", "copy": "1"}, load("a", "1")) == ([], [])


def test_other_content_at_a_path_supersedes_what_was_there() -> None:
    assert plan({"a": "2"}, load("a", "1")) == (["a"], ["batch of 1"])


def test_a_file_that_became_a_copy_of_another_supersedes_its_own_earlier_batch() -> None:
    assert plan({"a": "2", "b": "2"}, load("a", "1"), load("b", "2")) == ([], ["batch of 1"])


def test_content_that_moved_away_from_a_changed_path_is_landed_at_its_new_path() -> None:
    assert plan({"log": "2", "log.1": "1"}, load("log", "1")) == (["log", "log.1"], [])


def test_superseded_content_that_is_back_is_landed_again() -> None:
    loads = (load("a", "1", is_current=False), load("a", "2"))
    assert plan({"a": "1"}, *loads) == (["a"], ["batch of 2"])


def test_files_that_are_gone_stay_current() -> None:
    assert plan({}, load("a", "1")) == ([], [])


def test_paths_are_written_as_seen_from_the_source_file() -> None:
    assert relative_name(Path("/shop/x/y.csv"), FOLDER) == "x/y.csv"
    assert relative_name(Path("/data/y.csv"), FOLDER) == "../data/y.csv"


def test_names_are_stored_without_what_delta_refuses() -> None:
    raw = ["Customer ID", "a,b;c{d}e(f)g\nh\ti=j", "naïve.name", "中文"]
    assert stored_names(raw, {}, []) == {
        "Customer ID": "Customer_ID",
        "a,b;c{d}e(f)g\nh\ti=j": "a_b_c_d_e_f_g_h_i_j",
        "naïve.name": "naïve.name",
        "中文": "中文",
    }


def test_names_that_differ_only_in_case_share_a_column_also_with_other_sources() -> None:
    assert stored_names(["SKU", "sku"], {}, ["Sku"]) == {"SKU": "Sku", "sku": "Sku"}


def test_different_names_that_would_be_stored_alike_are_kept_apart_for_good() -> None:
    first = stored_names(["a b", "a_b"], {}, [])
    assert first == {"a b": "a_b", "a_b": "a_b_2"}
    assert stored_names(["a_b"], first, ["a_b", "a_b_2"]) == first


def test_names_of_lineage_are_not_taken() -> None:
    assert stored_names(["_file", "_Source"], {}, []) == {"_file": "_file_", "_Source": "_Source_"}
