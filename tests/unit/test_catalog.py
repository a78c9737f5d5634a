"""What counts as a table of a home."""

import pyarrow as pa
from deltalake import write_deltalake

from lakehouse.catalog import remove_unborn_tables, tables_on_disk
from lakehouse.settings import Settings


def test_a_folder_that_was_killed_before_its_first_commit_is_removed_and_no_other(home_settings: Settings) -> None:
    write_deltalake(home_settings.table_path("silver", "whole"), pa.table({"x": [1]}))
    unborn = home_settings.table_path("silver", "unborn")
    (unborn / "_delta_log").mkdir(parents=True)
    (unborn / "part-0.parquet").write_bytes(b"half")
    before = tables_on_disk(home_settings.tables_dir)
    assert remove_unborn_tables(home_settings.tables_dir) == ["silver.unborn"]
    assert tables_on_disk(home_settings.tables_dir) == [name for name in before if name != ("silver", "unborn")]
