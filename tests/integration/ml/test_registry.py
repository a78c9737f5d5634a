"""The home's own MLflow store: there whole, or not there."""

from __future__ import annotations

import subprocess
import sys
import time

from lakehouse.settings import CHECKOUT, Settings
from ml.store import open_store

PROGRAM = """
import sys
from pathlib import Path
from lakehouse.settings import load_settings
from ml.store import open_store
open_store(load_settings(home=Path(sys.argv[1])))
"""


def test_a_kill_while_the_store_is_made_leaves_no_half_of_it(home_settings: Settings) -> None:
    folder = home_settings.mlflow_dir
    making = subprocess.Popen([sys.executable, "-c", PROGRAM, str(home_settings.home)], cwd=CHECKOUT)
    for _ in range(1200):
        if any(file.stat().st_size > 0 for file in folder.glob("*.new")):
            break
        time.sleep(0.05)
    making.kill()
    assert making.wait() != 0
    assert [file.suffix for file in folder.glob("*") if not file.name.endswith("-journal")] == [".new"]
    client = open_store(home_settings)
    client.create_experiment("after the kill")
    assert [file.name for file in folder.glob("*")] == ["mlflow.db"]
