"""Tables in a real HDFS: the whole of a run there gives the rows that it gives in a folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from deltalake import DeltaTable

from lakehouse import storage
from lakehouse.settings import Settings, load_settings
from lakehouse.synth import generate
from tests.hdfs.server import HdfsServer, is_installed
from tests.integration.content import content_hashes

pytestmark = pytest.mark.skipif(
    not is_installed(load_settings()), reason="no HDFS server here: .venv/bin/python -m lakehouse.jars hdfs"
)
ARRIVAL = ("_batch_id", "_file", "_loaded_at", "batch_id", "file", "loaded_at")


@pytest.fixture(scope="module")
def server() -> Iterator[HdfsServer]:
    server = HdfsServer(load_settings())
    yield server
    server.stop()


@pytest.fixture
def settings(server: HdfsServer, tmp_path: Path) -> Settings:
    return load_settings(home=tmp_path / "home", storage=f"{server.address}/{tmp_path.name}")


def test_a_file_beside_the_tables_is_replaced_in_one_step(settings: Settings) -> None:
    assert storage.read_text(settings, "published.json") is None
    for text in ("first", "second"):
        storage.replace_text(settings, "published.json", text)
        assert storage.read_text(settings, "published.json") == text
    files, root = storage.filesystem(settings)
    assert [entry.base_name for entry in files.get_file_info(storage.pafs.FileSelector(root))] == ["published.json"]


def test_a_run_in_hdfs_gives_the_rows_of_a_run_in_a_folder(settings: Settings, tmp_path: Path) -> None:
    generate(tmp_path / "shop", customers=300, days=120, seed=7)
    at_home = load_settings(home=tmp_path / "at_home")
    for one in (at_home, settings):
        _lakehouse(one, "run", "--source", str(tmp_path / "shop" / "source.yml"))
    schemas = ("silver", "gold", "ml")
    assert storage.list_tables(settings) == storage.list_tables(at_home)
    assert content_hashes(settings, schemas, ARRIVAL) == content_hashes(at_home, schemas, ARRIVAL)
    assert not (settings.home / "tables").exists()
    published = storage.read_text(settings, "published.json")
    _lakehouse(settings, "run")
    assert storage.read_text(settings, "published.json") == published  # nothing new, nothing published
    customers = DeltaTable(at_home.table_path("gold", "dim_customer")).to_pyarrow_table().num_rows
    answer = _lakehouse(settings, "sql", "select count(*) as n from gold.dim_customer", "--json")
    assert json.loads(answer) == [{"n": customers}]


def _lakehouse(settings: Settings, *arguments: str) -> str:
    environment = {**os.environ, "LAKEHOUSE_HOME": str(settings.home)}
    if settings.storage:
        environment["LAKEHOUSE_STORAGE"] = settings.storage
    command = [sys.executable, "-c", "from lakehouse.cli import main; main()", *arguments]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
