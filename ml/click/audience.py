"""Whom to score and on what: customers as they are today, creatives as they were shown lately."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.settings import Settings
from ml import tables
from ml.click import tokens as T
from ml.click.features import SEPARATOR, person_words, plain_words
from ml.coded import NO_DAY, Coded, coded
from ml.frames import F, windows

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

RECENT_DAYS = 30
"""A creative is scored when it was shown in the last so many days of the log."""
DAY = 86_400


def customers_today(spark: SparkSession, settings: Settings, impressions: DataFrame, as_of: date) -> pd.DataFrame:
    """One row per known customer with an impression or any activity, sorted by id.

    Returns:
        `customer_id`; `words`, what the model reads of the customer at the end of `as_of`; `slot_id`, where they were
        shown most; `taste` and `taste_rate`, the category that they viewed most and its share of their views.
    """
    behaviour = tables.gold(
        spark,
        "feat_customer_behaviour",
        {
            "customer_id": "string",
            "view_count_30d": "bigint",
            "cart_count_30d": "bigint",
            "search_count_30d": "bigint",
            "preferred_device_type": "string",
            "last_active_on": "date",
        },
    )
    orders = tables.gold(
        spark, "feat_customer_rfm", {"customer_id": "string", "recency_days": "double", "frequency": "bigint"}
    )
    shown = _shown_so_far(impressions, as_of)
    joined = (
        behaviour.join(shown, "customer_id", "left")
        .join(orders, "customer_id", "left")
        .where(F.col("prior_impression_count").isNotNull() | F.col("last_active_on").isNotNull())
        .withColumnsRenamed(
            {
                "view_count_30d": "prior_view_count_30d",
                "cart_count_30d": "prior_cart_count_30d",
                "search_count_30d": "prior_search_count_30d",
                "frequency": "prior_order_count",
                "recency_days": "days_since_prior_order",
            }
        )
        .withColumn("device_type", F.coalesce("device_type", "preferred_device_type"))
    )
    person = F.array(*plain_words(T.PERSON[:2]), *person_words(joined.columns))
    told = joined.select("customer_id", person.alias("words"), "slot_id").toPandas()
    told = told.sort_values("customer_id", ignore_index=True)
    return told.join(tastes(settings, as_of), on="customer_id")


def recent_contexts(impressions: DataFrame, last_second: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How often each word went with a creative lately: rows of a key, `word`, `count`.

    Returns:
        by `creative_id`, over impressions of customers, without what depends on the customer or the slot; and by
        `creative_id`, `slot_id`, `region`, over impressions of people without an id.
    """
    recent = impressions.where(F.col("second") > last_second - RECENT_DAYS * DAY)
    has_id = F.col("customer_id").isNotNull()
    key = ("creative_id", "slot_id", "region")
    personal = (*T.PERSON, *T.COUNTS, *T.DAYS, T.AGE, T.MATCH, T.PAIR)
    column = F.substring_index("word", SEPARATOR, 1)
    counted = (
        recent.select(
            has_id.alias("has_id"),
            "creative_id",
            F.when(~has_id, F.col("slot_id")).alias("slot_id"),
            F.when(~has_id, F.col("region")).alias("region"),
            F.explode("words").alias("word"),
        )
        .where(~F.col("has_id") | ~column.isin("slot_id", *personal))
        .groupBy("has_id", *key, "word")
        .count()
        .toPandas()
        .sort_values([*key, "word"], ignore_index=True)
    )
    of_customers = counted[counted["has_id"]][["creative_id", "word", "count"]]
    return of_customers, counted[~counted["has_id"]][[*key, "word", "count"]]


def _shown_so_far(impressions: DataFrame, as_of: date) -> DataFrame:
    """Per customer: what they were last known by, the slot where they were shown most, and their history."""
    end = F.unix_timestamp(F.date_add(F.lit(as_of), 1).cast("timestamp"))
    known = [name for name in (*T.PERSON, T.AGE) if name in impressions.columns]
    absent = [name for name in T.PERSON[:2] if name not in known]
    clicked = F.col("label") > 0
    of_customers = impressions.where(F.col("customer_id").isNotNull())
    by_slot = of_customers.groupBy("customer_id", "slot_id").agg(
        F.count("*").alias("shown"),
        F.count_if(clicked).alias("clicked"),
        F.count_if(F.col("second") >= end - 7 * DAY).alias("shown_7d"),
        F.count_if(clicked & (F.col("second") >= end - 30 * DAY)).alias("clicked_30d"),
    )
    told = by_slot.groupBy("customer_id").agg(
        F.sum("shown").alias("prior_impression_count"),
        F.sum("clicked").alias("prior_click_count"),
        F.sum("shown_7d").alias("prior_impression_count_7d"),
        F.sum("clicked_30d").alias("prior_click_count_30d"),
    )
    last = _first(of_customers, "customer_id", "shown_at", "impression_id")
    usual = _first(by_slot.where(F.col("slot_id").isNotNull()), "customer_id", "shown", "slot_id")
    return (
        told.join(usual.select("customer_id", "slot_id"), "customer_id", "left")
        .join(last.select("customer_id", *known), "customer_id")
        .select("*", *[F.lit(None).cast("string").alias(name) for name in absent])
    )


def tastes(settings: Settings, as_of: date) -> pd.DataFrame:
    """By customer, `taste`, the category that they viewed most (of equals the last by name), and its share of views."""
    seen, products = coded(settings, "feat_interactions", Coded), coded(settings, "feat_product", Coded)
    known, category = products.named("product_id"), products.named("category_level_1")
    of_product = np.full(len(known.names) + 1, -1)
    of_product[known.code] = category.code  # who has no id is at -1, the last, which no row asks for
    day, item = seen.days("interacted_on"), seen.named("product_id").places_in(np.array(known.names, dtype=object))
    kept = (day != NO_DAY) & (day <= as_of.toordinal()) & (item >= 0)
    views = pa.table(
        {
            "customer": seen.named("customer_id").code[kept],
            "category": of_product[item[kept]],
            "views": seen.integers("view_count", kept, 0),
        }
    )
    counted = (
        views.filter(pc.greater(views["views"], 0)).group_by(["customer", "category"]).aggregate([("views", "sum")])
    )
    rows = counted.to_pandas().sort_values(["customer", "views_sum", "category"])
    rows = rows[rows["customer"] >= 0]
    whole = rows.groupby("customer")["views_sum"].sum()
    top = (
        rows[rows["category"] >= 0].drop_duplicates("customer", keep="last").set_index("customer").reindex(whole.index)
    )
    code = top["category"].fillna(-1).to_numpy(dtype=np.int64)
    ids = np.array(seen.named("customer_id").names, dtype=object)[whole.index]
    taste = np.array([*category.names, None], dtype=object)[code]
    return pd.DataFrame({"taste": taste, "taste_rate": (top["views_sum"] / whole).to_numpy()}, index=ids)


def _first(rows: DataFrame, key: str, *greatest: str) -> DataFrame:
    """Of each key the row with the greatest values. (A maximum of structs is compared row by row by Sail.)"""
    order = windows.Window.partitionBy(key).orderBy(*[F.desc(name) for name in greatest])
    return rows.withColumn("place", F.row_number().over(order)).where(F.col("place") == 1).drop("place")
