"""Queries as a reader asks them: gold as published, everything else as it stands."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

import pyarrow as pa

from lakehouse import publication
from lakehouse.catalog import register_tables
from lakehouse.engine.sail import open_sail
from lakehouse.errors import InputError, LakehouseError
from lakehouse.session import start_session
from lakehouse.settings import Settings
from lakehouse.storage import delta_table, list_tables

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

QUERY = re.compile(r"^\s*(select|with)\b", re.IGNORECASE)
LISTING = re.compile(r"^\s*(show|use|describe\s+(schema|database))\b", re.IGNORECASE)
MISSING = re.compile(r"\[TABLE_OR_VIEW_NOT_FOUND\].*?`([^ ]+)` cannot be found")


def query_in_process(settings: Settings, statement: str, unpublished: bool = False) -> pa.Table | None:
    """The rows of one query, by Sail in seconds less than it takes to open Spark.

    None where Spark must be asked (`query`): Spark is the home's engine, the statement is no query, gold tables that it
    names have moved on since they were published, or Sail refuses it, so that it is Spark that says what is wrong.
    """
    if settings.engine != "sail" or not QUERY.match(statement):
        return None
    published = publication.current(settings)
    pinned = {} if published is None else published.tables
    for name in set() if unpublished else _named(settings, statement):
        if name[0] == "gold" and delta_table(settings, ".".join(name)).version() != pinned.get(".".join(name)):
            return None
    try:
        return open_sail(settings).rows(statement)
    except LakehouseError:
        return None


def query(settings: Settings, statement: str, unpublished: bool = False) -> DataFrame:
    """The rows of one SQL statement, by Spark.

    Args:
        statement: Spark SQL over `bronze`, `silver`, `gold`, `ml` and `ops`.
        unpublished: read the newest gold tables instead of the published versions.

    Raises:
        InputError: the statement does not parse, or names a table or column that is not there.
    """
    from pyspark.errors import AnalysisException, ParseException

    if not list_tables(settings):
        raise InputError(f"{settings.home} has no tables yet: `lakehouse run` makes them")
    spark = start_session(settings)
    _register_for(spark, settings, statement, unpublished)
    try:
        return spark.sql(statement)
    except ParseException as error:
        raise InputError(f"the SQL does not parse: {_first_line(error)}") from None
    except AnalysisException as error:
        raise InputError(_explain(settings, _first_line(error))) from None


def _register_for(spark: SparkSession, settings: Settings, statement: str, unpublished: bool) -> None:
    """Register only the tables that the statement can mean: opening a pinned table costs 0.2 s."""
    named = _named(settings, statement)
    published = publication.current(settings)
    pinned = {} if unpublished or published is None else published.tables
    register_tables(
        spark,
        settings,
        [name for name in named if unpublished or name[0] != "gold"],
    )
    for schema, table in named:
        version = pinned.get(f"{schema}.{table}")
        if version is not None:
            path = settings.table_uri(schema, table)
            spark.sql(
                f"create or replace view {schema}.{table} as select * from delta.`{path}` version as of {version}"
            )


def _named(settings: Settings, statement: str) -> list[tuple[str, str]]:
    """The tables that a statement can mean, all of them for one that lists tables."""
    text = statement.lower()
    return [
        (schema, table) for schema, table in list_tables(settings) if LISTING.match(statement) or table.lower() in text
    ]


def _explain(settings: Settings, message: str) -> str:
    missing = MISSING.search(message)
    if missing is None:
        return message
    name = missing.group(1).replace("`", "")
    known = [f"{schema}.{table}" for schema, table in list_tables(settings)]
    if name in known:
        return (
            f"table {name} is built but not published: `lakehouse run` gates and publishes it; "
            "--unpublished reads it as it is"
        )
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    advice = f"did you mean {', '.join(close)}?" if close else 'see `lakehouse sql "show tables in gold"`'
    return f"there is no table {name}: {advice}"


def _first_line(error: Exception) -> str:
    return next(line for line in str(error).splitlines() if line.strip())
