"""One Java of the SQL server: opens Spark, takes up gold as published, warms itself, and answers on the loopback.

A process of its own (`python -m lakehouse.sql_server.backend ROLE PORT`), which the front (`server.py`) starts, asks by
lines on standard input, and ends by closing that.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Collection
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pyarrow.fs as pafs

from lakehouse.catalog import register_table, register_tables
from lakehouse.scratch import renew_scratch_folder
from lakehouse.session import fit_to_size, java_has_ended, settle_environment
from lakehouse.settings import SCHEMAS, Settings, load_settings
from lakehouse.sql_server.configuration import ROLES, Role, dev_root, server_conf
from lakehouse.sql_server.extension import make_extension
from lakehouse.sql_server.gold import Gold
from lakehouse.sql_server.warming import warm
from lakehouse.storage import LOG, filesystem, list_tables

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LOOKS_EVERY_SECONDS = 1.0
UNBORN_SECONDS = 3600
NO_METASTORE = {
    "hive.metastore.uris": "thrift://127.0.0.1:9",
    "hive.metastore.connect.retries": "1",
    "hive.metastore.failure.retries": "0",
    "hive.metastore.client.connect.retry.delay": "0s",
    "hive.metastore.client.socket.timeout": "1s",
    # Whether metadata may be listed is asked of one that needs no metastore either, and lets all through: ours judge.
    "hive.security.authorization.manager": (
        "org.apache.hadoop.hive.ql.security.authorization.MetaStoreAuthzAPIAuthorizerEmbedOnly"
    ),
}
"""Hive's part of a session asks a metastore as it is closed, though Spark uses none or one of its own. The one that
Spark's server gives it, a Derby in memory without tables, was tried for 24 s each time; this one fails at once."""
UNITS = {"m": 1 << 20, "g": 1 << 30}


class Backend:
    """A running server of a role."""

    def __init__(self, settings: Settings, role: Role, port: int) -> None:
        self._settings = settings
        self._role = role
        self.spark = _session(server_conf(settings, role, port, make_extension(settings)))
        self._jvm: Any = self.spark._jvm
        self._jvm.lakehouse.sql.Extension.own_(self.spark._jsparkSession)
        # This session prepares tables: compiling for each takes longer than reading.
        fit_to_size(self.spark, 0)
        self._layers: set[tuple[str, str]] = set()
        place = f" location '{settings.tables_uri}/gold'" if role == "engineer" else ""
        self.spark.sql(f"create schema if not exists gold{place}")
        memory = int(settings.sql_memory[:-1]) * UNITS[settings.sql_memory[-1]] * settings.sql_kept_share
        self._gold = Gold(self.spark, settings, int(memory) if role == "analyst" else 0)

    def open(self) -> None:
        """Take up what is there, warm, and listen."""
        if self._role == "engineer":
            self._layers |= _register_layers(self.spark, self._settings, self._layers)
            _register_dev(self.spark, self._settings, 0)
        self._gold.follow()
        warm(self.spark, self._gold.tables)
        thrift = self._jvm.org.apache.spark.sql.hive.thriftserver.HiveThriftServer2
        server = thrift.startWithContext(self.spark._jsparkSession.sqlContext())
        if self._settings.metastore_uri is None or self._role == "analyst":
            for name, value in NO_METASTORE.items():
                server.getHiveConf().set(name, value)

    def look(self) -> None:
        """Follow what was published, and what tables came since."""
        self._gold.follow()
        if self._role == "engineer":
            self._layers |= _register_layers(self.spark, self._settings, self._layers)
            _register_dev(self.spark, self._settings, 120)

    def status(self) -> dict[str, int]:
        """Statements that are running, all that were asked, and bytes of the heap in use."""
        status = self._jvm.lakehouse.sql.Extension.status(self.spark._jsparkSession)
        return dict(zip(("running", "statements", "heap"), (int(number) for number in status)))


def _session(conf: dict[str, str]) -> SparkSession:
    from pyspark.sql import SparkSession

    builder = SparkSession.builder
    for key, value in conf.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def _register_layers(
    spark: SparkSession, settings: Settings, registered: Collection[tuple[str, str]]
) -> set[tuple[str, str]]:
    """Tables of the layers that the catalogue does not know yet; gold is taken up as published.

    Args:
        registered: what is known to be in the catalogue. To ask a metastore for each table at each look kept it and
            its database busy with a third of a core.

    Returns:
        `(schema, table)` of those that are in the catalogue now.
    """
    names = {name for name in list_tables(settings) if name[0] != "gold"}
    if registered and names.issubset(registered):
        return set()
    known = {schema for (schema, *_) in spark.sql("show schemas").collect()}
    if settings.metastore_uri is not None and not known.issuperset(SCHEMAS):
        # With each table that Spark tells a metastore of, it removes a folder that is not there, below the schema's.
        # Engineers may not write below the layers': so the schemas are theirs, and tables stay where they are.
        files, root = filesystem(settings)
        for schema in SCHEMAS:
            files.create_dir(f"{root}/dev/.layers/{schema}", recursive=True)
            spark.sql(f"create schema if not exists {schema} location '{dev_root(settings)}/.layers/{schema}'")
    unsure = sorted(names.difference(registered))
    new = [name for name in unsure if name[0] not in known or not spark.catalog.tableExists(".".join(name))]
    if new or not known.issuperset({schema for schema, _ in names}):
        register_tables(spark, settings, new)
    return names


def _register_dev(spark: SparkSession, settings: Settings, at_least_seconds: float) -> None:
    """Schemas and tables of people that another Java of this server made, where no metastore tells of them.

    Args:
        at_least_seconds: age of a table's first commit; a younger one may be about to be registered by who makes it.
    """
    if settings.metastore_uri is not None:
        return
    files, root = filesystem(settings)
    for schema in files.get_file_info(pafs.FileSelector(f"{root}/dev", allow_not_found=True)):
        name, _, end = schema.base_name.rpartition(".")
        if schema.type != pafs.FileType.Directory or end != "db":
            continue
        spark.sql(f"create schema if not exists `{name}`")
        for table in files.get_file_info(pafs.FileSelector(schema.path)):
            log = files.get_file_info(f"{table.path}/{LOG}/00000000000000000000.json")
            if table.mtime is not None and log.type == pafs.FileType.NotFound and _age(table) > UNBORN_SECONDS:
                files.delete_dir(table.path)  # what a kill left of a table, in the way of the next of its name
            is_made = log.mtime is not None and _age(log) > at_least_seconds
            if is_made and not spark.catalog.tableExists(f"{name}.{table.base_name}"):
                uri = f"{dev_root(settings)}/{schema.base_name}/{table.base_name}"
                register_table(spark, name, table.base_name, uri)


def _age(found: pafs.FileInfo) -> float:
    """Seconds since something was changed."""
    return time.time() - found.mtime.timestamp()


def main(role: Role, port: int) -> int:
    settings = load_settings()
    settle_environment()
    settings.log_dir.mkdir(parents=True, exist_ok=True)
    renew_scratch_folder(settings)
    backend = Backend(settings, role, port)
    backend.open()
    _tell({"ready": port})
    ended = Event()
    Thread(target=_answer, args=(backend, ended), daemon=True).start()
    while not ended.wait(LOOKS_EVERY_SECONDS):
        try:
            backend.look()
        except Exception:  # storage that does not answer, a table that is just dropped: looked at again
            traceback.print_exc()
            if java_has_ended():
                return 1
    return 0


def _answer(backend: Backend, ended: Event) -> None:
    for line in sys.stdin:
        if line.strip() == "status":
            _tell(backend.status())
    ended.set()
    time.sleep(5)
    os._exit(0)  # Java may hang as it ends


def _tell(content: dict[str, int]) -> None:
    print(json.dumps(content), flush=True)


if __name__ == "__main__":
    asked, at = sys.argv[1:]
    sys.exit(main(next(role for role in ROLES if role == asked), int(at)))
