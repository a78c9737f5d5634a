"""Tables in which nobody is alone: of every combination of quasi-identifiers there are at least k people, or none.

By Datafly (L. Sweeney, "Achieving k-anonymity privacy protection using generalization and suppression", 2002): while
more people than may be left out are in too small a group, the column with the most different values is made coarser,
for everybody alike: an age or a year of birth by its decade, then not told; a city not told, which leaves its province.
A step that later ones made needless is taken back. Then the groups that are still too small are left out whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakehouse.errors import InputError
from lakehouse.privacy.classes import class_of
from lakehouse.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

LEFT_OUT_AT_MOST = 0.05
"""The share of people that may be left out before a column is made coarser: more lets outliers cost others nothing,
less keeps them."""
BY_DECADE = frozenset({"age_years", "birth_year"})
AS_IT_IS, DECADES, NOT_TOLD = "as it is", "by decades", "not told"
_PERSON = "customer_id"


@dataclass(frozen=True)
class Anonymity:
    """What was done so that nobody is alone among fewer than `k` people, and what came of it.

    `levels` says of each quasi-identifier how it is told; `smallest` is the number of people in the smallest group that
    stays, `diversity` the fewest different values that a sensitive column has in any of these; people and rows
    `left_out` are in none.
    """

    k: int
    levels: dict[str, str]
    people: int
    groups: int
    smallest: int
    smallest_before: int
    people_left_out: int
    rows_left_out: int
    diversity: dict[str, int]

    def sentence(self) -> str:
        """What a reader of the table has to know, in one sentence."""
        changed = [f"{name} is told {told}" for name, told in self.levels.items() if told == DECADES]
        changed += [f"{name} is {told}" for name, told in self.levels.items() if told == NOT_TOLD]
        coarser = f"{', '.join(changed)}; " if changed else ""
        return (
            f"nobody is alone among fewer than {self.k} people who are alike by {', '.join(self.levels)}: {coarser}"
            f"{self.rows_left_out:,} rows of {self.people_left_out:,} people are left out"
        )


def quasi_identifiers(table: str, columns: Sequence[str]) -> list[str]:
    """Those of a table's columns that tell who somebody is when they are taken together."""
    return [name for name in columns if class_of(table, name).kind == "quasi_identifier"]


def among_others(
    settings: Settings, table: str, frame: DataFrame, k: int | None, sensitive: Sequence[str] = ()
) -> tuple[DataFrame, Anonymity | None]:
    """Rows that may leave, with nobody alone among fewer than `k` people; None where nothing tells them apart.

    Raises:
        InputError: `k` is less than the house wants.
    """
    wanted = settings.k_anonymity if k is None else k
    if wanted < settings.k_anonymity:
        raise InputError(f"--k {wanted} is less than this house wants: setting 'k_anonymity' is {settings.k_anonymity}")
    quasi = quasi_identifiers(table, [name for name in frame.columns if name not in sensitive])
    if wanted == 1 or not quasi:
        return frame, None
    return anonymised(frame, quasi, wanted, sensitive)


def anonymised(
    frame: DataFrame, quasi: Sequence[str], k: int, sensitive: Sequence[str] = ()
) -> tuple[DataFrame, Anonymity]:
    """A table whose quasi-identifiers are made coarser until at least `k` people share each combination of them.

    Args:
        frame: rows of people, told apart by `customer_id`; of rows without one nobody is counted.
        quasi: its quasi-identifiers, at least one.
        k: how many people a group has at least.
        sensitive: columns whose different values are counted in each group.
    """
    from pyspark.sql import functions as F

    people = frame.select(_PERSON, *quasi).distinct().persist()
    try:
        levels = dict.fromkeys(quasi, AS_IT_IS)
        before = found = _Groups.of(people, levels, k)
        steps: list[tuple[str, str]] = []
        while not found.are_large:
            coarser = [name for name in quasi if levels[name] != NOT_TOLD]
            if not coarser:
                break
            widest = max(coarser, key=lambda name: found.distinct[name])
            steps.append((widest, levels[widest]))
            levels[widest] = _next_level(widest, levels[widest])
            found = _Groups.of(people, levels, k)
        for name, finer in reversed(steps[:-1]):  # a step that a later one made needless is taken back
            tried = _Groups.of(people, levels | {name: finer}, k)
            if tried.are_large:
                levels[name], found = finer, tried
        told = frame.select(*(_told(name, levels) if name in levels else F.col(f"`{name}`") for name in frame.columns))
        large = _groups(people, levels).where(F.col("people") >= k)
        large = large.select(*(F.col(f"`{name}`").alias(f"large {name}") for name in quasi))
        alike = [F.col(f"`{name}`").eqNullSafe(F.col(f"`large {name}`")) for name in quasi]
        kept = told.join(large, on=alike, how="left_semi").persist()
        diversity = _diversity(kept, quasi, sensitive)
        left_out = told.count() - kept.count()
    finally:
        people.unpersist()
    return kept, Anonymity(
        k, levels, found.people, found.large, found.smallest, before.smallest_before, found.people_in_small, left_out,
        diversity,
    )  # fmt: skip


@dataclass(frozen=True)
class _Groups:
    """The groups that some levels make, counted."""

    people: int
    people_in_small: int
    large: int
    smallest: int
    smallest_before: int
    distinct: dict[str, int]

    @property
    def are_large(self) -> bool:
        """Whether so few people are in small groups that these may be left out."""
        return self.people_in_small <= LEFT_OUT_AT_MOST * self.people

    @classmethod
    def of(cls, people: DataFrame, levels: dict[str, str], k: int) -> _Groups:
        from pyspark.sql import functions as F

        size, is_small = F.col("people"), F.col("people") < k
        row = (
            _groups(people, levels)
            .agg(
                F.coalesce(F.sum(size), F.lit(0)),
                F.coalesce(F.sum(F.when(is_small, size)), F.lit(0)),
                F.count(F.when(~is_small, 1)),
                F.coalesce(F.min(F.when(~is_small, size)), F.lit(0)),
                F.coalesce(F.min(size), F.lit(0)),
                *(F.countDistinct(F.coalesce(F.col(f"`{name}`").cast("string"), F.lit(""))) for name in levels),
            )
            .collect()[0]
        )
        everybody, in_small, large, smallest, smallest_before, *distinct = (int(value) for value in row)
        return cls(everybody, in_small, large, smallest, smallest_before, dict(zip(levels, distinct)))


def _groups(people: DataFrame, levels: dict[str, str]) -> DataFrame:
    """A row per combination of the quasi-identifiers, with its `people`."""
    from pyspark.sql import functions as F

    told = people.select(_PERSON, *(_told(name, levels) for name in levels)).distinct()
    return told.groupBy(*(f"`{name}`" for name in levels)).agg(F.count(_PERSON).alias("people"))


def _told(name: str, levels: dict[str, str]) -> Column:
    from pyspark.sql import functions as F

    column = F.col(f"`{name}`")
    if levels[name] == DECADES:
        return (column - F.pmod(column, F.lit(10))).alias(name)
    return (F.when(F.lit(False), column) if levels[name] == NOT_TOLD else column).alias(name)


def _next_level(name: str, level: str) -> str:
    return DECADES if name in BY_DECADE and level == AS_IT_IS else NOT_TOLD


def _diversity(kept: DataFrame, quasi: Sequence[str], sensitive: Sequence[str]) -> dict[str, int]:
    """Distinct l-diversity (Machanavajjhala and others, 2007): the fewest different values that a group has.

    Where it is 1, who knows somebody to be in that group knows the value of them. To tell nothing is a value too.
    """
    from pyspark.sql import functions as F

    if not sensitive:
        return {}
    types = dict(kept.dtypes)
    values = [
        F.to_json(F.col(f"`{name}`")) if types[name].startswith(("map<", "array<", "struct<")) else F.col(f"`{name}`")
        for name in sensitive
    ]
    counted = kept.groupBy(*(f"`{name}`" for name in quasi)).agg(
        *(F.countDistinct(F.coalesce(v.cast("string"), F.lit(""))).alias(name) for v, name in zip(values, sensitive))
    )
    row = counted.agg(*(F.coalesce(F.min(f"`{name}`"), F.lit(0)) for name in sensitive)).collect()[0]
    return dict(zip(sensitive, (int(value) for value in row)))
