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


class OpenHome(dbtPlugin):
    """Opens the engine, Spark or Sail, before dbt asks for it.

    A dbt that writes is a run like any other: it holds the home's lock until its process ends. Inside `lakehouse run`
    it is open already, and the lock held.
    """

    def initialize(self) -> None:
        command = str(get_flags().WHICH)
        if command in WITHOUT_TABLES:
            return
        if engine_runs() or get_flags().TARGET == OVER_THRIFT:
            return
        settings, _ = fitting_engine(load_settings())
        if command in WRITERS:
            atexit.register(acquire(settings).close)
        open_engine(settings)


plugins = [OpenHome]
