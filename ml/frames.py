"""Data frames of either engine: Spark's own, or Sail's over Spark Connect, whose column functions are other objects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from typing import Any

import pyarrow as pa

_CONNECTED: ContextVar[bool] = ContextVar("connected", default=False)


class _OfSession:
    """A module of PySpark's, or the same of Spark Connect while `speaking_to` such a session."""

    def __init__(self, own: str, connected: str) -> None:
        self._own, self._connected = own, connected

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self._connected if _CONNECTED.get() else self._own), name)


F: Any = _OfSession("pyspark.sql.functions", "pyspark.sql.connect.functions")
"""Column functions, `pyspark.sql.functions`."""
windows: Any = _OfSession("pyspark.sql.window", "pyspark.sql.connect.window")
"""`Window`, by which rows are put in order."""


def is_connected(session: object) -> bool:
    """Whether the session is one of Spark Connect."""
    return type(session).__module__.startswith("pyspark.sql.connect")


@contextmanager
def speaking_to(session: object) -> Iterator[None]:
    """`F` and `windows` are those of this session while the block runs."""
    before = _CONNECTED.set(is_connected(session))
    try:
        yield
    finally:
        _CONNECTED.reset(before)


def batches(frame: Any) -> Iterator[pa.RecordBatch]:
    """The rows of a data frame of Spark Connect, batch by batch."""
    client = frame.sparkSession.client
    for answered in client.to_table_as_iterator(frame._plan.to_proto(client)):
        if isinstance(answered, pa.Table):
            yield from answered.to_batches()
