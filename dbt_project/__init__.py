"""dbt's plug-in of this project: a plain `dbt build` finds the tables of the home, like `lakehouse run` does."""

from dbt.flags import get_flags
from dbt.plugins.manager import dbtPlugin

from lakehouse.runlock import acquire
from lakehouse.session import open_session, running_session
from lakehouse.settings import load_settings

WITHOUT_TABLES = {"clean", "debug", "deps", "init", "list", "parse", "serve"}
WRITERS = {"build", "clone", "retry", "run", "run-operation", "seed", "snapshot"}
held = []


class OpenHome(dbtPlugin):
    """Opens the Spark session before dbt asks for one; dbt-spark's `session` method then uses it.

    A dbt that writes is a run like any other: it holds the home's lock until its process ends. Inside `lakehouse run`
    the session is open already, and the lock held.
    """

    def initialize(self) -> None:
        command = str(get_flags().WHICH)
        if command in WITHOUT_TABLES:
            return
        settings = load_settings()
        if command in WRITERS and running_session() is None:
            held.append(acquire(settings.home))
        open_session(settings)


plugins = [OpenHome]
