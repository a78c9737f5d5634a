"""What a killed process left behind goes with the next start; what a running one works in stays."""

from __future__ import annotations

import os
import subprocess
import sys

from lakehouse.scratch import renew_scratch_folder, scratch_folder
from lakehouse.settings import Settings


def test_folders_of_ended_processes_go_and_those_of_running_ones_stay(home_settings: Settings) -> None:
    own = scratch_folder(home_settings)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as running:
        ended = subprocess.Popen([sys.executable, "-c", ""])
        ended.wait()
        for name in (str(running.pid), str(ended.pid), "blockmgr-of-old", own.name):
            (own.parent / name / "blocks").mkdir(parents=True)
        renew_scratch_folder(home_settings)
        assert {folder.name for folder in own.parent.iterdir()} == {own.name, str(running.pid)}
        assert not list(own.iterdir())
        assert own.name == str(os.getpid())
        running.communicate(b"\n")
