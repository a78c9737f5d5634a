"""How Superset speaks to `spark://`: Spark's time grains (Hive's week is refused by Spark 3), views by their names."""

from __future__ import annotations

from superset.db_engine_specs.base import BaseEngineSpec
from superset.db_engine_specs.spark import SparkEngineSpec


class LakehouseSparkEngineSpec(SparkEngineSpec):  # type: ignore[misc]
    """Superset's own for Spark answers to `hive://`, where its one for Hive comes first, so it is never used."""

    engine = "spark"
    engine_name = "Lakehouse (Spark Thrift Server)"
    _show_functions_column = "function"
    sqlalchemy_uri_placeholder = "spark://user:password@host:10000/gold?tls=verify&ca=/path/ca.crt"

    get_view_names = BaseEngineSpec.__dict__["get_view_names"]
    """By the dialect; Hive's reads the first column of `SHOW VIEWS`, which is the schema."""
