"""dbt's plug-in of this project: a plain `dbt build` finds the tables of the home, like `lakehouse run` does."""

import atexit

from dbt.flags import get_flags
from dbt.plugins.manager import dbtPlugin

from lakehouse.engine import engine_runs, fitting_engine, open_engine
from lakehouse.runlock import acquire
from lakehouse.settings import load_settings

WITHOUT_TABLES = {"clean", "debug", "deps", "init", "list", "parse", "serve"}
WRITERS = {"build", "clone", "retry", "run", "run-operation", "seed", "snapshot"}
OVER_THRIFT = "thrift"
held = []


def take_no_answer_for_no_rows() -> None:
    """Let dbt-spark ask for the rows of a statement that answers none, as dbt's unit tests do of their views.

    PyHive's `fetchall()` raises "'NoneType' object is not iterable" there.
    """
    from dbt.adapters.spark.connections import PyhiveConnectionWrapper

    fetch = PyhiveConnectionWrapper.fetchall

    def fetchall(self):
        try:
            return fetch(self)
        except TypeError:
            return []

    PyhiveConnectionWrapper.fetchall = fetchall


class OpenHome(dbtPlugin):
    """Opens the engine, Spark or Sail, before dbt asks for it.

    A dbt that writes is a run like any other: it holds the home's lock until its process ends. Inside `lakehouse run`
    it is open already, and the lock held.
    """

    def initialize(self) -> None:
        command = str(get_flags().WHICH)
        if command in WITHOUT_TABLES:
            return
        if engine_runs():
            return
        if get_flags().TARGET == OVER_THRIFT:
            take_no_answer_for_no_rows()
            return
        settings, _ = fitting_engine(load_settings())
        if command in WRITERS:
            atexit.register(acquire(settings).close)
        open_engine(settings)


plugins = [OpenHome]
