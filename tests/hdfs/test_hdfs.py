"""Tables in a real HDFS: the whole of a run there gives the rows that it gives in a folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from lakehouse import storage
from lakehouse.privacy.erasure import certificate
from lakehouse.privacy.keyring import open_keyring
from lakehouse.settings import Settings, load_settings
from lakehouse.synth import generate
from tests.hdfs.server import HdfsServer, is_installed
from tests.integration.content import content_hashes
from tests.unit.privacy.small_shop import Home

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


def test_nothing_of_the_erased_is_left_in_hdfs(settings: Settings, tmp_path: Path) -> None:
    home = Home(tmp_path / "shop", storage=settings.storage)
    home.land()
    assert files_naming(settings, "ann-phone"), "the search finds what is there"
    path = home.erase("C001")
    assert files_naming(settings, "ann-phone") == []
    assert not (home.settings.home / "tables").exists()
    assert [row["no"] for row in home.rows("customers")] == ["C002"]
    assert {row["order"]: row["cust"] for row in home.rows("order_lines")} == {"1": None, "2": "C002"}
    with open_keyring(home.settings) as keyring:
        told, findings = certificate.verify(home.settings, keyring, path)
        assert (findings, told["checked"]["tables"] > 20) == ([], True)
        storage.replace_text(home.settings, "left.txt", "ann-phone was here")
        (found,) = certificate.verify(home.settings, keyring, path)[1]
    assert found.place.endswith("/left.txt")


def files_naming(settings: Settings, word: str) -> list[str]:
    """Files of the storage that have a word, of Parquet in any value."""
    files, root = storage.filesystem(settings)
    found = []
    for entry in files.get_file_info(storage.pafs.FileSelector(root, recursive=True)):
        if entry.type == storage.pafs.FileType.File:
            with files.open_input_file(entry.path) as stream:
                raw = bytes(stream.read())
            text = str(pq.read_table(pa.BufferReader(raw)).to_pydict()) if raw.startswith(b"PAR1") else raw.decode()
            found += [entry.path] if word in text else []
    return found


def _lakehouse(settings: Settings, *arguments: str) -> str:
    environment = {**os.environ, "LAKEHOUSE_HOME": str(settings.home)}
    if settings.storage:
        environment["LAKEHOUSE_STORAGE"] = settings.storage
    command = [sys.executable, "-m", "lakehouse", *arguments]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
