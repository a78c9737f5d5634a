from __future__ import annotations

import subprocess
import sys

# A verb that leaves a handler, unflushed output, and what aborts the process when Python is torn down.
SCRIPT = """
import atexit, os, sys
from lakehouse.cli import program
class Aborts:
    def __del__(self, abort=os.abort):
        abort()
def main():
    sys.modules["kept"] = Aborts()
    atexit.register(lambda: print("handler"))
    print("done", end=" ")
    return 3
program.main = main
program.program()
"""


def test_a_verb_that_has_ended_is_not_undone_by_the_end_of_python() -> None:
    ended = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (3, "done handler\n"), ended.stderr


def test_an_unread_end_is_no_error() -> None:
    ended = subprocess.run(
        f"{sys.executable} -m lakehouse --help | head -c 1", shell=True, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_mistake_is_one_sentence_and_2() -> None:
    ended = subprocess.run([sys.executable, "-m", "lakehouse", "no-such-verb"], capture_output=True, text=True)
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: No such command")
