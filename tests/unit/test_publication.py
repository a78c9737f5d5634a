"""The pointer that readers follow."""

from datetime import datetime, timezone

import pyarrow as pa
from deltalake import write_deltalake

from lakehouse import publication
from lakehouse.settings import Settings

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=timezone.utc)


def _write(settings: Settings, table: str, value: int) -> None:
    write_deltalake(settings.table_path("gold", table), pa.table({"x": [value]}), mode="overwrite")


def test_before_the_first_run_nothing_is_published(home_settings: Settings) -> None:
    assert publication.current(home_settings) is None


def test_a_publication_names_the_newest_version_of_every_gold_table(home_settings: Settings) -> None:
    _write(home_settings, "a", 1)
    _write(home_settings, "a", 2)
    _write(home_settings, "b", 1)
    done = publication.publish(home_settings, "run-1", NOW, "2025-12-31", "f")
    assert done.tables == {"gold.a": 1, "gold.b": 0}
    assert publication.current(home_settings) == done


def test_a_table_written_later_does_not_move_the_publication(home_settings: Settings) -> None:
    _write(home_settings, "a", 1)
    publication.publish(home_settings, "run-1", NOW, "2025-12-31", "f")
    _write(home_settings, "a", 2)
    published = publication.current(home_settings)
    assert published is not None
    assert published.tables == {"gold.a": 0}
