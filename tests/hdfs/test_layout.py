"""Who may read what in HDFS, by the folders that the image's role `hdfs-layout` makes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import hdfs_native
import pytest

from lakehouse.settings import load_settings
from tests.hdfs.server import HdfsServer, is_installed

pytestmark = pytest.mark.skipif(
    not is_installed(load_settings()), reason="no HDFS server here: .venv/bin/python -m lakehouse.jars hdfs"
)


@pytest.fixture(scope="module")
def server() -> Iterator[HdfsServer]:
    server = HdfsServer(load_settings())
    yield server
    server.stop()


def laid_out(server: HdfsServer) -> dict[str, tuple[str, str, int]]:
    """Make the folders; path below the root -> owner, group, mode of every folder."""
    environment = {**os.environ, "NAMENODE_ADDRESS": server.address.removeprefix("hdfs://"), "LAYOUT_ROOT": "/lake"}
    command = [sys.executable, "-m", "lakehouse.cluster.hdfs_layout"]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    client = hdfs_native.Client(server.address)
    found = [client.get_file_info("/lake"), *client.list_status("/lake", True)]
    return {
        one.path.removeprefix("/lake").lstrip("/"): (one.owner, one.group, one.permission) for one in found if one.isdir
    }


def test_gold_is_open_to_analysts_and_the_other_layers_are_not(server: HdfsServer) -> None:
    folders = laid_out(server)
    assert folders["tables/gold"] == ("lakehouse", "analysts", 0o750)
    for layer in ("bronze", "silver", "ml", "ops"):
        assert folders[f"tables/{layer}"] == ("lakehouse", "lakehouse", 0o750)
    assert folders["exchange"] == ("lakehouse", "lakehouse", 0o700)  # rows of all layers pass through it


def test_made_again_it_sets_right_what_was_changed_and_keeps_what_is_there(server: HdfsServer) -> None:
    laid_out(server)
    client = hdfs_native.Client(server.address)
    with client.create("/lake/tables/gold/part") as file:
        file.write(b"rows")
    client.set_permission("/lake/tables/bronze", 0o777)
    assert laid_out(server)["tables/bronze"] == ("lakehouse", "lakehouse", 0o750)
    assert client.get_file_info("/lake/tables/gold/part").length == 4
