"""What the Spark of an SQL server is told: many small statements at once, none of which may take the whole machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from lakehouse.scratch import scratch_folder
from lakehouse.session import LOG4J, spark_conf
from lakehouse.settings import Settings

Role = Literal["analyst", "engineer"]
ROLES: tuple[Role, ...] = ("analyst", "engineer")
LOGIN = "lakehouse.sql.Passwords"
FAIR_POOLS = """<allocations><pool name="default">
<schedulingMode>FAIR</schedulingMode><weight>1</weight><minShare>0</minShare></pool></allocations>"""


def dev_root(settings: Settings) -> str:
    """Where the schemas of people are, a folder `dev_<name>.db` each: never among the tables of a run."""
    return f"{settings.storage or settings.home}/dev"


def server_conf(settings: Settings, role: Role, port: int, jar: Path) -> dict[str, str]:
    """The configuration of one server, which listens on a port of the loopback."""
    scratch = scratch_folder(settings)
    pools = scratch / "pools.xml"
    pools.write_text(FAIR_POOLS, encoding="utf-8")
    local = {"spark.master": settings.spark_master, "spark.driver.memory": settings.sql_memory}
    conf = spark_conf(settings, 0)
    return {
        **conf,
        **local,
        "spark.app.name": f"lakehouse sql-server {role}",
        "spark.driver.extraClassPath": f"{conf['spark.driver.extraClassPath']}{os.pathsep}{jar}",
        "spark.driver.extraJavaOptions": _java_options(settings, role),
        # Ours last: its parser is asked first.
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension,lakehouse.sql.Extension",
        # A schema is made with its folder, and an analysts' server may write nowhere.
        "spark.sql.warehouse.dir": dev_root(settings) if role == "engineer" else f"file://{scratch}/warehouse",
        **_metastore(settings, role),
        # Statements of ten people share the cores: none waits for the whole of another.
        "spark.scheduler.mode": "FAIR",
        "spark.scheduler.allocation.file": f"file://{pools}",
        "spark.sql.shuffle.partitions": str(settings.shuffle_partitions),
        # Small results: planning again between stages costs more than it brings (benchmarks/sql_dashboards.py).
        "spark.sql.adaptive.enabled": "false" if role == "analyst" else "true",
        "spark.sql.codegen.wholeStage": "true",
        "spark.sql.variable.substitute": "false",  # `${env:…}` in a statement would read the server's environment
        "spark.sql.thriftServer.queryTimeout": f"{settings.sql_timeout_seconds}s",
        "spark.sql.thriftServer.interruptOnCancel": "true",
        "spark.sql.thriftserver.ui.retainedStatements": "50",
        "spark.sql.thriftserver.ui.retainedSessions": "50",
        "spark.driver.maxResultSize": "256m",  # else one `select *` ends the server for all
        "spark.cleaner.periodicGC.interval": "10min",
        "spark.databricks.delta.stalenessLimit": "0",
        **_hive(settings, port, scratch),
    }


def _java_options(settings: Settings, role: Role) -> str:
    users = []
    if settings.sql_users_file is not None:
        # Hive looks for the class in a configuration of its own, which takes system properties.
        users = [
            f"-Dlakehouse.sql.users={settings.sql_users_file}",
            f"-Dhive.server2.custom.authentication.class={LOGIN}",
        ]
    return " ".join(
        [
            "-XX:+UseParallelGC",
            "-XX:-UsePerfData",
            "-XX:+ExitOnOutOfMemoryError",  # the server is started again; it would go on without a thread
            "-XX:+DisplayVMOutputToStderr",
            "-Xss4m",
            f"-Dlakehouse.sql.role={role}",
            *users,
            f"-Dlog4j2.configurationFile=file:{LOG4J}",
            f"-Dlakehouse.log={settings.log_dir / f'sql-{role}.log'}",
            f"-Dderby.system.home={scratch_folder(settings) / 'derby'}",
            f"-Djava.io.tmpdir={scratch_folder(settings)}",
        ]
    )


def _metastore(settings: Settings, role: Role) -> dict[str, str]:
    """Engineers' schemas and views live in the Hive metastore where there is one; analysts need none."""
    if settings.metastore_uri is None or role == "analyst":
        return {"spark.sql.catalogImplementation": "in-memory"}
    return {
        "spark.sql.catalogImplementation": "hive",
        "spark.hadoop.hive.metastore.uris": settings.metastore_uri,
    }


def _hive(settings: Settings, port: int, scratch: Path) -> dict[str, str]:
    given = {
        "hive.server2.authentication": "CUSTOM" if settings.sql_users_file else "NONE",
        "hive.server2.thrift.bind.host": "127.0.0.1",
        "hive.server2.thrift.port": str(port),
        "hive.server2.enable.doAs": "false",
        # impyla asks for the log of each operation, and takes it for a fault where there is none.
        "hive.server2.logging.operation.enabled": "true",
        "hive.server2.logging.operation.log.location": f"{scratch}/operation-logs",
        "hive.server2.session.check.interval": "60s",
        "hive.server2.idle.session.timeout": "8h",
        "hive.exec.scratchdir": f"file://{scratch}/hive",
        "hive.exec.local.scratchdir": f"{scratch}/hive-local",
        # A session makes it as it is opened and removes it as it is closed: of one for all, that of others.
        "hive.downloaded.resources.dir": f"{scratch}/hive-resources/${{hive.session.id}}",
    }
    return {f"spark.hadoop.{key}": value for key, value in given.items()}
