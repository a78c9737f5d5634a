"""No thread adds a variable to the environment while others may read it: the C library moves it under their feet."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from lakehouse.settings import CHECKOUT

PROGRAM = """
import os, sys, threading
from pathlib import Path
from lakehouse.session import settle_environment, start_session
from lakehouse.settings import load_settings

added = []

def note(event, arguments):
    if event in ("os.putenv", "os.unsetenv") and threading.current_thread() is not threading.main_thread():
        name = os.fsdecode(arguments[0])
        if event == "os.unsetenv" or name not in os.environ:
            added.append(name)

settle_environment()
sys.addaudithook(note)
starting = threading.Thread(target=start_session, args=[load_settings(home=Path(sys.argv[1]))])
starting.start()
starting.join()
print("added:", added)
"""


def test_a_session_that_a_thread_starts_adds_no_variable(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)], cwd=CHECKOUT, check=True, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == "added: []"
