"""One Spark session for the whole test run; each test gets its own home."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lakehouse import ops
from lakehouse.catalog import register_tables
from lakehouse.engine.sail import close_sail
from lakehouse.session import fit_to_size, open_session
from lakehouse.settings import Settings, load_settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.fixture(scope="session")
def session_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the session's logs and scratch files go to."""
    return tmp_path_factory.mktemp("session-home")


@pytest.fixture(scope="session")
def spark(session_home: Path) -> Iterator[SparkSession]:
    """The one session; tests register the tables of their own home with `use_home`."""
    session = open_session(load_settings(home=session_home, spark_master="local[2]"))
    yield session
    session.stop()


@pytest.fixture
def home_settings(tmp_path: Path) -> Settings:
    """Settings of a fresh home with empty `ops` tables."""
    settings = load_settings(home=tmp_path / "home", spark_master="local[2]")
    ops.ensure_tables(settings)
    return settings


def use_home(spark: SparkSession, settings: Settings) -> None:
    """Make the session know the tables of `settings.home`, and no others; a run opens its own engine over them."""
    close_sail()
    forget_tables(spark)
    fit_to_size(spark, 0)
    register_tables(spark, settings)


def forget_tables(spark: SparkSession) -> None:
    """Give the session an empty catalogue. (Dropping a schema would delete its folder with the tables in it.)"""
    from pyspark.sql import SparkSession

    jvm = spark._jvm
    jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()  # holds the plans of every table that was ever read
    jvm.SparkSession.clearDefaultSession()
    jvm.SparkSession.clearActiveSession()
    for cached in ("_catalog", "_conf"):
        spark.__dict__.pop(cached, None)
    SparkSession._instantiatedSession = None  # so that the new one becomes the default, which dbt asks for
    SparkSession.__init__(spark, spark.sparkContext)


@pytest.fixture
def home_spark(spark: SparkSession, home_settings: Settings) -> SparkSession:
    """The session over the fresh home."""
    use_home(spark, home_settings)
    return spark
