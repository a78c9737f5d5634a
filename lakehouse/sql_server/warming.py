"""The first statements of a Java take seconds: they are the server's own, before anybody is let in."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.types import StructType

MOST_SECONDS = 40.0
NUMBERS = ("int", "bigint", "double", "decimal")


def warm(spark: SparkSession, tables: list[str], most_seconds: float = MOST_SECONDS) -> int:
    """Ask of each table what a chart would, in sessions as connections have them; returns how many were asked."""
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    asked = 0
    ends_at = time.monotonic() + most_seconds
    for number in range(2):  # compiled classes are kept by their text: the second round finds them
        session = spark.newSession()
        for table in tables:
            for statement in questions(table, session.sql(f"select * from {table} limit 0").schema):
                if time.monotonic() > ends_at:
                    return asked
                with suppress(PySparkException, Py4JJavaError):
                    session.sql(f"{statement} -- {number}").collect()  # another text: else it is known already
                    asked += 1
    return asked


def questions(table: str, columns: StructType) -> list[str]:
    """A count, a ranking and a filter over a table, by the kinds of its columns."""
    texts = [field.name for field in columns if field.dataType.simpleString() == "string"]
    numbers = [field.name for field in columns if field.dataType.simpleString().startswith(NUMBERS)]
    days = [field.name for field in columns if field.dataType.simpleString() in ("date", "timestamp")]
    found = [f"select count(*) as rows from {table}"]
    if texts and numbers:
        found.append(
            f"select {texts[-1]}, count(*) as n, sum({numbers[-1]}) as total, avg({numbers[-1]}) as mean from {table} "
            f"where {texts[-1]} is not null group by {texts[-1]} order by n desc limit 10"
        )
    if days:
        found.append(
            f"select date_trunc('month', {days[-1]}) as month, count(*), count(distinct {(texts or days)[0]}) "
            f"from {table} group by 1 order by 1"
        )
    return found
