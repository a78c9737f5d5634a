"""Nobody is alone among fewer than k: worked out by hand, and by counting again in pandas for any table."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakehouse.anonymous import anonymity_of, count_with_noise
from lakehouse.errors import InputError
from lakehouse.export import what_may_leave
from lakehouse.privacy.k_anonymity import (
    AS_IT_IS,
    DECADES,
    LEFT_OUT_AT_MOST,
    NOT_TOLD,
    Anonymity,
    among_others,
    anonymised,
)
from tests.conftest import forget_tables
from tests.integration.conftest import Shop

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

SCHEMA = "customer_id string, age_years int, city string, region string, reason string, amount double"
QUASI = ["age_years", "city", "region"]
NOON = datetime(2026, 5, 1, 12, tzinfo=timezone.utc)
EXAMPLES = int(os.environ.get("LAKEHOUSE_ANONYMITY_EXAMPLES", "3"))


def table(spark: SparkSession, rows: list[tuple[Any, ...]]) -> DataFrame:
    return spark.createDataFrame(rows, SCHEMA)


def told(frame: DataFrame) -> list[tuple[Any, ...]]:
    return sorted((tuple(row) for row in frame.collect()), key=str)


def test_ages_by_decade_are_enough_where_they_are_enough(spark: SparkSession) -> None:
    rows = [(f"c{n}", 30 + n, "Hangzhou", "Zhejiang", "late" if n else None, float(n)) for n in range(4)]
    frame, found = anonymised(table(spark, rows), QUASI, 4, ["reason"])
    assert told(frame) == [(f"c{n}", 30, "Hangzhou", "Zhejiang", "late" if n else None, float(n)) for n in range(4)]
    assert found == Anonymity(
        4, {"age_years": DECADES, "city": AS_IT_IS, "region": AS_IT_IS}, 4, 1, 4, 1, 0, 0, {"reason": 2}
    )
    assert found.sentence() == (
        "nobody is alone among fewer than 4 people who are alike by age_years, city, region: age_years is told by "
        "decades; 0 rows of 0 people are left out"
    )


def test_a_city_is_not_told_before_its_province_is_and_the_last_are_left_out(spark: SparkSession) -> None:
    """Of the columns the cities have most different values, so they go; one in thirty is left out."""
    rows = [(f"c{n}", 35, f"city {n}", "Zhejiang", None, 1.0) for n in range(29)]
    rows.append(("far", 35, "Paris", "Paris", None, 1.0))
    frame, found = anonymised(table(spark, rows), QUASI, 5)
    assert found.levels == {"age_years": AS_IT_IS, "city": NOT_TOLD, "region": AS_IT_IS}
    assert (found.people_left_out, found.rows_left_out, found.groups, found.smallest) == (1, 1, 1, 29)
    assert {row["customer_id"] for row in frame.collect()} == {f"c{n}" for n in range(29)}
    assert {(row["age_years"], row["city"], row["region"]) for row in frame.collect()} == {(35, None, "Zhejiang")}


def test_people_are_counted_and_not_rows(spark: SparkSession) -> None:
    rows = [("c1", 30, "A", "R", None, float(n)) for n in range(10)] + [("c2", 30, "A", "R", None, 0.0)]
    frame, found = anonymised(table(spark, rows), QUASI, 3)
    assert (found.people, found.people_left_out, found.rows_left_out) == (2, 2, 11)
    assert frame.count() == 0


def test_rows_of_nobody_hide_nobody(spark: SparkSession) -> None:
    rows = [(None, 30, "A", "R", None, 0.0)] * 9 + [("c1", 30, "A", "R", None, 0.0)]
    frame, found = anonymised(table(spark, rows), QUASI, 2)
    assert (found.people, found.people_left_out, frame.count()) == (1, 1, 0)


PEOPLE = st.lists(
    st.tuples(
        st.integers(0, 25).map("c{}".format),
        st.one_of(st.none(), st.integers(18, 60)),
        st.sampled_from(["A", "B", "C", None]),
        st.sampled_from(["R", "S", None]),
        st.sampled_from(["late", "broken", None]),
        st.just(1.0),
    ),
    max_size=40,
)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=PEOPLE, k=st.integers(2, 6))
def test_of_any_table_every_group_that_stays_has_k_people(spark: SparkSession, rows: list[Any], k: int) -> None:
    frame, found = anonymised(table(spark, rows), QUASI, k)
    kept = frame.collect()
    groups: dict[tuple[Any, ...], set[str]] = {}
    for row in kept:
        groups.setdefault((row["age_years"], row["city"], row["region"]), set()).add(row["customer_id"])
    assert all(len(people) >= k for people in groups.values())
    assert min((len(people) for people in groups.values()), default=0) == found.smallest
    assert len(groups) == found.groups
    assert len(rows) - len(kept) == found.rows_left_out
    if set(found.levels.values()) != {NOT_TOLD}:
        assert found.people_left_out <= LEFT_OUT_AT_MOST * max(found.people, 1)
    ages = {age for _, age, *_ in rows}
    coarse = {None if found.levels["age_years"] == NOT_TOLD or age is None else age // 10 * 10 for age in ages}
    assert {row["age_years"] for row in kept} <= (ages if found.levels["age_years"] == AS_IT_IS else coarse)


def test_a_whole_shop_leaves_for_analytics_with_five_alike(spark: SparkSession, shop: Shop) -> None:
    forget_tables(spark)  # the reader registers what it needs, as in a process of its own
    leaving = what_may_leave(shop.settings, "dim_customer", "analytics", None)
    frame, found = among_others(shop.settings, "gold.dim_customer", leaving.frame, None)
    assert found is not None
    assert found.smallest_before < 5 <= found.smallest
    by = list(found.levels)
    assert {"age_years", "city", "region", "gender"} <= set(by)
    counted = frame.toPandas().groupby(by, dropna=False)["customer_id"].nunique()
    assert counted.min() == found.smallest
    report = anonymity_of(shop.settings, "gold.dim_customer", None)
    assert report is not None
    assert report.levels == found.levels
    assert set(report.diversity) == {"attributes", "last_ticket_reason"}


def test_fewer_than_the_house_wants_are_refused(spark: SparkSession, shop: Shop) -> None:
    forget_tables(spark)  # the reader registers what it needs, as in a process of its own
    with pytest.raises(InputError, match="--k 4 is less than this house wants: setting 'k_anonymity' is 5"):
        anonymity_of(shop.settings, "dim_customer", 4)
    with pytest.raises(InputError, match="gold.dim_product is about nobody"):
        anonymity_of(shop.settings, "dim_product", None)


def test_people_of_a_shop_are_counted_with_noise_once_each(spark: SparkSession, copy_of_shop: Shop) -> None:
    home = copy_of_shop.settings
    forget_tables(spark)
    true = what_may_leave(home, "dim_customer", "analytics", None).frame.groupBy("language").count().collect()
    found = count_with_noise(home, "gold.dim_customer", ["language"], 0.5, 1, NOON, "ann")
    large = {(row["language"],): row["count"] for row in true if row["count"] > 2 * found.threshold}
    assert large
    assert {key: abs(found.counts[key] - count) < 60 for key, count in large.items()} == dict.fromkeys(large, True)
    orders = count_with_noise(home, "fct_orders", [], 0.25, 1, NOON, "ann")
    buyers = what_may_leave(home, "fct_orders", "analytics", None).frame.select("customer_id").distinct().count()
    assert abs(orders.counts[()] - buyers) < 120, "a person with many orders counts once"
    with pytest.raises(InputError, match="gold.dim_customer has no column phone that analytics may have"):
        count_with_noise(home, "dim_customer", ["phone"], 0.1, 1, NOON, "ann")
    with pytest.raises(InputError, match="epsilon 0.5 is more than is left: 0.25 of the 1"):
        count_with_noise(home, "dim_customer", ["language"], 0.5, 1, NOON, "ann")
