"""What may be told of people without telling of anybody: a report on k-anonymity, and counts with noise."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from lakehouse.errors import InputError
from lakehouse.export import what_may_leave
from lakehouse.privacy.classes import class_of, is_about_people
from lakehouse.privacy.k_anonymity import Anonymity, among_others
from lakehouse.privacy.keyring import open_keyring
from lakehouse.privacy.noisy_counts import Key, NoisyCounts, noisy, spend
from lakehouse.reader import query
from lakehouse.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

PURPOSE = "analytics"


def anonymity_of(settings: Settings, table: str, k: int | None) -> Anonymity | None:
    """What an export of a published gold table for analytics would make coarser and leave out; nothing leaves.

    Raises:
        InputError: there is no such table, or `k` is less than the house wants.
    """
    name = _table_of_people(table)
    columns = query(settings, f"select * from gold.`{name}`").columns
    sensitive = [column for column in columns if class_of(f"gold.{name}", column).kind == "sensitive"]
    frame = what_may_leave(settings, name, PURPOSE, None, also=sensitive).frame
    return among_others(settings, f"gold.{name}", frame, k, sensitive)[1]


def count_with_noise(
    settings: Settings, table: str, by: Sequence[str], epsilon: float, per_person: int, at: datetime, user: str
) -> NoisyCounts:
    """Count a published gold table's people by columns, with noise, from the budget of the home.

    Who refused analytics is not counted, nor are rows of nobody known. What is asked is in the audit log before.

    Args:
        by: columns that analytics may have.
        epsilon: what the answer may cost.
        per_person: rows of one person that count at most; with 1 it is people that are counted.

    Raises:
        InputError: there is no such table or column, analytics may not have it, or the budget has not so much left.
    """
    name = _table_of_people(table)
    frame = what_may_leave(settings, name, PURPOSE, None).frame
    for column in by:
        if column not in frame.columns:
            raise InputError(f"gold.{name} has no column {column} that {PURPOSE} may have: {', '.join(frame.columns)}")
    counts = _counts(frame, by, per_person)
    with open_keyring(settings) as keyring:
        about = {"table": f"gold.{name}", "by": ", ".join(by), "per_person": str(per_person)}
        spend(settings, keyring, at, user, epsilon, **about)
    return noisy(counts, epsilon, per_person)


def _counts(frame: DataFrame, by: Sequence[str], per_person: int) -> dict[Key, int]:
    """Rows in each group, of each person the first few; which these are depends on nobody else."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    columns = [F.col(f"`{name}`").cast("string").alias(name) for name in by]
    rows = frame.where(F.col("customer_id").isNotNull()).select("customer_id", *columns)
    within = Window.partitionBy("customer_id").orderBy(F.xxhash64(F.lit(0), *(f"`{name}`" for name in by)))
    kept = rows.withColumn("place", F.row_number().over(within)).where(F.col("place") <= per_person)
    grouped = kept.groupBy(*(f"`{name}`" for name in by)).agg(F.count("customer_id"))
    return {tuple(row[:-1]): int(row[-1]) for row in grouped.collect()}


def _table_of_people(table: str) -> str:
    name = table.rpartition(".")[2].replace("`", "")
    if not is_about_people(f"gold.{name}"):
        raise InputError(f"gold.{name} is about nobody: it leaves as it is")
    return name
