"""What counts as a table of a home."""

import pyarrow as pa
from deltalake import write_deltalake

from lakehouse.settings import Settings
from lakehouse.storage import list_tables, remove_unborn_tables


def test_a_folder_that_was_killed_before_its_first_commit_is_removed_and_no_other(home_settings: Settings) -> None:
    write_deltalake(home_settings.table_path("silver", "whole"), pa.table({"x": [1]}))
    unborn = home_settings.table_path("silver", "unborn")
    (unborn / "_delta_log").mkdir(parents=True)
    (unborn / "part-0.parquet").write_bytes(b"half")
    before = list_tables(home_settings)
    assert remove_unborn_tables(home_settings) == ["silver.unborn"]
    assert list_tables(home_settings) == [name for name in before if name != ("silver", "unborn")]
