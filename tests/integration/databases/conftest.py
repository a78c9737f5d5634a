"""A PostgreSQL and a MariaDB server for the tests of this folder, and a shop whose products lie in one of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from deltalake import DeltaTable

from lakehouse import ops
from lakehouse.bronze import Load, land
from lakehouse.settings import Settings
from lakehouse.sources import Source, parse_source
from tests.conftest import use_home
from tests.integration.databases.servers import (
    PASSWORD,
    STARTS,
    USER,
    Server,
    mariadb_is_installed,
    postgresql_binaries,
)

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

INSTALLED: dict[str, Callable[[], object]] = {"postgresql": postgresql_binaries, "mariadb": mariadb_is_installed}


ALL = "LAKEHOUSE_ALL_DATABASES" in os.environ
"""Set by `make databases`: the costly tests run on both servers, in `make test` on one of them each."""


def on_one(scheme: str) -> pytest.MarkDecorator:
    """A test that is made for both servers and costs too much to run on both each time."""
    return pytest.mark.parametrize("server", list(STARTS) if ALL else [scheme], indirect=True)


def skip_unless_installed(scheme: str) -> None:
    if not INSTALLED[scheme]():
        pytest.skip(f"no {scheme} server here: apt-get install postgresql mariadb-server")


@pytest.fixture(scope="session")
def running() -> Iterator[dict[str, Server]]:
    """The servers that are up, by scheme."""
    servers: dict[str, Server] = {}
    yield servers
    for server in servers.values():
        server.stop()


@pytest.fixture(params=list(STARTS))
def server(request: pytest.FixtureRequest, running: dict[str, Server]) -> Server:
    """Each of the two servers in turn, started once."""
    scheme = request.param
    skip_unless_installed(scheme)
    if scheme not in running:
        running[scheme] = STARTS[scheme]()
    server = running[scheme]
    server.run("drop table if exists products")
    return server


@dataclass
class DatabaseShop:
    """A source over the server's tables, and the home that it is landed in."""

    settings: Settings
    folder: Path
    landings: int = 0

    def source(self, server: Server, **options: Any) -> Source:
        products = {
            "path": server.jdbc,
            "user": USER,
            "password": "${SHOP_DB_PASSWORD}",
            "table": "products",
            "key": ["product_id"],
            "columns": {"product_id": "id", "title": "title"},
            **options,
        }
        if "query" in options:
            del products["table"]
        return parse_source({"name": "shop", "entities": {"products": products}}, self.folder)

    def land(self, server: Server, whole_tables: bool = False, **options: Any) -> list[Load]:
        loaded_at = datetime(2025, 1, 2, tzinfo=timezone.utc) + timedelta(days=self.landings)
        self.landings += 1
        return land(self.settings, [self.source(server, **options)], "run", loaded_at, whole_tables=whole_tables)

    def loads(self) -> list[dict[str, Any]]:
        return sorted(ops.read(self.settings, "loads"), key=lambda row: str(row["loaded_at"]))

    def current_rows(self) -> list[dict[str, Any]]:
        """The rows of bronze that silver reads, oldest batch first."""
        current = {row["batch_id"] for row in self.loads() if row["is_current"]}
        rows = DeltaTable(self.settings.table_path("bronze", "products")).to_pyarrow_table().to_pylist()
        rows = [row for row in rows if row["_batch_id"] in current]
        return sorted(rows, key=lambda row: (row["_loaded_at"], int(row["id"])))

    def newest(self) -> dict[str, str]:
        """id -> title of the newest version of each key: what silver keeps."""
        return {row["id"]: row["title"] for row in self.current_rows()}


@pytest.fixture
def shop(spark: SparkSession, home_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DatabaseShop:
    monkeypatch.setenv("SHOP_DB_PASSWORD", PASSWORD)
    use_home(spark, home_settings)
    return DatabaseShop(home_settings, tmp_path)
