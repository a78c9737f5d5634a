"""What answers the project's Spark SQL: Sail in this process, or Spark (docs/decisions/0012-two-engines.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from lakehouse import ops, session
from lakehouse.engine import functions, sail
from lakehouse.entities import ENTITIES
from lakehouse.errors import LakehouseError
from lakehouse.settings import Settings

__all__ = [
    "Answer",
    "commits_marked",
    "engine_runs",
    "execute",
    "few_rows",
    "fitting_engine",
    "frames",
    "open_engine",
    "query",
    "worked_out",
]


_PLACE, _ROWS = "lakehouse_place", "lakehouse_rows"


@dataclass(frozen=True)
class Answer:
    """What a statement answers: the names and Spark types of its columns, and a call that brings its rows."""

    columns: list[tuple[str, str]] = field(default_factory=list)
    fetch: Callable[[], list[tuple[Any, ...]]] = list


def fitting_engine(settings: Settings) -> tuple[Settings, list[str]]:
    """The settings with Spark as their engine where a source says what Sail may answer otherwise, and what that is."""
    if settings.engine == "spark":
        return settings, []
    expressions = []
    for row in ops.read(settings, "sources"):
        kinds = ENTITIES[row["entity"]].columns
        expressions += [(kinds[name].type, text) for name, text in row["columns"] or () if name in kinds]
        expressions += [("text", text) for _, text in row["attributes"] or ()]
    strange = functions.not_known(expressions)
    return (settings.model_copy(update={"engine": "spark"}) if strange else settings), strange


def open_engine(settings: Settings) -> None:
    """Open the engine of the settings, where this process has not done so."""
    if settings.engine == "sail":
        sail.open_sail(settings)
    else:
        sail.close_sail()
        session.open_session(settings)


def engine_runs() -> bool:
    """Whether this process has opened an engine."""
    return sail.running_sail() is not None or session.running_session() is not None


def execute(sql: str) -> Answer:
    """Do what a statement of dbt's says, by the engine that this process has opened.

    Raises:
        LakehouseError: the engine refuses it, with what it says.
    """
    running = sail.running_sail()
    if running is not None:
        table = running.execute(sql)
        return Answer(sail.spark_types(table.schema), lambda: _tuples(table))
    spark = session.running_session()
    if spark is None:
        raise LakehouseError("no engine is open to ask; run again")
    frame = spark.sql(sql)
    columns = [(field.name, field.dataType.simpleString()) for field in frame.schema.fields]
    return Answer(columns, lambda: [tuple(row) for row in frame.collect()])


def query(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    """The rows that a query over the tables of the home answers."""
    if settings.engine == "sail":
        return _tuples(sail.open_sail(settings).rows(sql))
    return [tuple(row) for row in session.open_session(settings).sql(sql).collect()]


def few_rows(settings: Settings, sql: str, most: int) -> pa.Table | None:
    """What a query answers; None where that is more than so many rows, or only Spark is there to ask."""
    if settings.engine != "sail":
        return None
    batches, count = [], 0
    reader = sail.open_sail(settings).reader(sql)
    for batch in reader:
        batches.append(batch)
        count += batch.num_rows
        if count > most:
            return None
    return pa.Table.from_batches(batches, reader.schema)


def worked_out(
    settings: Settings, rows: pa.Table, expressions: Mapping[str, str], kinds: Mapping[str, str]
) -> dict[str, pa.Array]:
    """Spark SQL expressions over rows that are in no table: name -> text or null, as long and in the order of the rows.

    By Sail, or by Spark where that is the engine or Sail is not known to answer one of them as Spark does.

    Args:
        kinds: the type of the column that each is for; text where it is not told.

    Raises:
        LakehouseError: an expression does not fit the rows.
    """
    asked = rows.append_column(_PLACE, pa.array(range(rows.num_rows), pa.int64()))
    names = {name: f"c{number}" for number, name in enumerate(expressions)}
    listed = ", ".join(f"cast({text} as string) as {names[name]}" for name, text in expressions.items())
    sql = f"select {_PLACE}, {listed} from {_ROWS}"
    strange = functions.not_known((kinds.get(name, "text"), text) for name, text in expressions.items())
    if settings.engine == "sail" and not strange:
        answer = sail.open_sail(settings).rows_over(_ROWS, asked, sql)
    else:
        answer = session.rows_over(settings, _ROWS, asked, sail.spark_types(asked.schema), sql)
    answer = answer.sort_by(_PLACE)
    return {name: answer[column].combine_chunks().cast(pa.string()) for name, column in names.items()}


def frames(settings: Settings) -> Any:
    """The engine's session, which knows the tables of gold: Spark's, or Sail's over Spark Connect."""
    return sail.open_sail(settings).frames() if settings.engine == "sail" else session.open_session(settings)


def commits_marked(settings: Settings, token: str) -> AbstractContextManager[None]:
    """Every commit of the engine carries this token (Delta's `userMetadata`) while the block runs."""
    return sail.commits_marked(token) if settings.engine == "sail" else session.commits_marked(token)


def _tuples(table: pa.Table) -> list[tuple[Any, ...]]:
    """Rows by place: a query may answer two columns of one name."""
    return list(zip(*(column.to_pylist() for column in table.columns)))
