"""The adapter: Spark's, with connections of its own."""

from dbt.adapters.lakehouse.connections import LakehouseConnectionManager
from dbt.adapters.spark.impl import SparkAdapter


class LakehouseAdapter(SparkAdapter):
    """Renders and reads answers as dbt-spark does."""

    ConnectionManager = LakehouseConnectionManager
