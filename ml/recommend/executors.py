"""Blocks of customers in Spark's executors: the serving is broadcast, a block is a row, its ten come back as Arrow.

No pair of customer and product is ever a row, so there is no cross join; an executor holds one block of scores at a
time (`ranking.CELLS_AT_ONCE`), whatever the number of customers.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa

from ml.recommend.blocks import Block, Serving, Tens, scratch, tens
from ml.recommend.features import Singles

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

COLUMNS = "user long, item long, score double, strategy byte, evidence long"


def in_executors(
    session: SparkSession,
    serving: Serving,
    blocks: Iterable[Block],
    served: Callable[[Serving, Block, Singles], Tens] = tens,
) -> list[Tens]:
    """What is `served` of all blocks, in the order of customers."""
    told = session.sparkContext.broadcast(serving)
    packed = pd.DataFrame({"block": [pickle.dumps(block) for block in blocks]})
    if packed.empty:
        return []

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from threadpoolctl import threadpool_limits

        out = None
        with threadpool_limits(1, user_api="blas"):  # the executor has a task per core
            for batch in batches:
                for content in batch.column(0):
                    block = pickle.loads(content.as_buffer())
                    if out is None or len(out) < len(block):
                        out = scratch(told.value, len(block))
                    found = served(told.value, block, out)
                    yield pa.RecordBatch.from_pydict(vars(found))

    tasks = min(len(packed), session.sparkContext.defaultParallelism)
    frame = session.createDataFrame(packed, "block binary").repartition(tasks).mapInArrow(work, COLUMNS)
    found = frame.toPandas()
    told.destroy()
    order = np.argsort(found["user"].to_numpy(), kind="stable")  # a customer's ten came together, best first
    return [Tens(**{name: found[name].to_numpy()[order] for name in found.columns})]
