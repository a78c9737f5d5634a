"""Installs this checkout into .venv as it is: a path entry and the `lakehouse` command.

`pip install -e .` would fetch a build backend and hide dbt_project (dbt's plug-in) behind an import hook.
"""

import stat
import sys
import sysconfig
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
COMMAND = f"""#!{sys.executable}
from lakehouse.cli.program import program
program()
"""


def link_checkout() -> None:
    """Write the path entry and the command of the environment that runs this."""
    Path(sysconfig.get_path("purelib"), "customer_lakehouse.pth").write_text(f"{CHECKOUT}\n", encoding="utf-8")
    command = Path(sysconfig.get_path("scripts"), "lakehouse")
    command.write_text(COMMAND, encoding="utf-8")
    command.chmod(command.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


if __name__ == "__main__":
    link_checkout()
