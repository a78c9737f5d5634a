"""What counts as a table of a home."""

from pathlib import Path

import pyarrow as pa
from deltalake import write_deltalake

from lakehouse.settings import Settings, load_settings
from lakehouse.storage import exchange_folder, list_tables, remove_exchange_folder, remove_unborn_tables


def test_a_folder_that_was_killed_before_its_first_commit_is_removed_and_no_other(home_settings: Settings) -> None:
    write_deltalake(home_settings.table_path("silver", "whole"), pa.table({"x": [1]}))
    unborn = home_settings.table_path("silver", "unborn")
    (unborn / "_delta_log").mkdir(parents=True)
    (unborn / "part-0.parquet").write_bytes(b"half")
    before = list_tables(home_settings)
    assert remove_unborn_tables(home_settings) == ["silver.unborn"]
    assert list_tables(home_settings) == [name for name in before if name != ("silver", "unborn")]


def test_what_executors_and_the_run_hand_each_other_is_beside_the_tables_where_both_read_it(tmp_path: Path) -> None:
    alone = load_settings(home=tmp_path / "home", storage="hdfs://namenode/lake")
    assert exchange_folder(alone, "aside").startswith(str(tmp_path / "home" / "spark-tmp"))
    on_a_shared_volume = load_settings(home=tmp_path / "home", spark_master="spark://elsewhere")
    left = Path(exchange_folder(on_a_shared_volume, "aside"))
    assert left.parent == tmp_path / "home" / "exchange" / "aside"
    left.mkdir(parents=True)
    (left / "rows.parquet").write_bytes(b"of a run that was killed")
    exchange_folder(on_a_shared_volume, "aside")
    assert not left.exists()
    left.mkdir(parents=True)
    remove_exchange_folder(on_a_shared_volume, "aside")
    assert not left.parent.exists()
