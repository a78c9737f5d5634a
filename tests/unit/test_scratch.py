"""What a killed process left behind goes with the next start; what others work in stays."""

from __future__ import annotations

import subprocess
import sys

from lakehouse.scratch import renew_scratch_folder, scratch_folder
from lakehouse.settings import Settings


def test_folders_of_ended_processes_go_and_those_of_running_ones_stay(home_settings: Settings) -> None:
    own = scratch_folder(home_settings)
    host = own.name.rpartition("-")[0]
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as running:
        ended = subprocess.Popen([sys.executable, "-c", ""])
        ended.wait()
        staying = {f"{host}-{running.pid}", f"another-{host}-{ended.pid}"}
        for name in (*staying, f"{host}-{ended.pid}", own.name):
            (own.parent / name / "blocks").mkdir(parents=True)
        renew_scratch_folder(home_settings)
        assert {folder.name for folder in own.parent.iterdir()} == {own.name, *staying}
        assert not list(own.iterdir())
        running.communicate(b"\n")
