"""dbt's plug-in of this project: a plain `dbt build` finds the tables of the home, like `lakehouse run` does."""

from dbt.flags import get_flags
from dbt.plugins.manager import dbtPlugin

from lakehouse.session import open_session
from lakehouse.settings import load_settings

WITHOUT_TABLES = {"clean", "debug", "deps", "init", "list", "parse", "serve"}


class OpenHome(dbtPlugin):
    """Opens the Spark session before dbt asks for one; dbt-spark's `session` method then uses it."""

    def initialize(self) -> None:
        if str(get_flags().WHICH) not in WITHOUT_TABLES:
            open_session(load_settings())


plugins = [OpenHome]
