"""Power and network of a node, cut and given back by commands that are given its name.

`TEST_NODE_OFF`, `TEST_NODE_ON`, `TEST_NETWORK_OFF` and `TEST_NETWORK_ON` are such commands; without them those of the
tool in `LAKEHOUSE_CLUSTER_DIR`, where it is there.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lakehouse.settings import load_settings


@contextmanager
def without_power(node: str) -> Iterator[None]:
    """The node's power is cut for the block: its processes end at once."""
    with _off(node, "NODE", "kill-node", "start-node"):
        yield


@contextmanager
def without_network(node: str) -> Iterator[None]:
    """The node's network is cut for the block: its processes go on."""
    with _off(node, "NETWORK", "pause-node", "resume-node"):
        yield


@contextmanager
def _off(node: str, what: str, off_verb: str, on_verb: str) -> Iterator[None]:
    off, on = os.environ.get(f"TEST_{what}_OFF"), os.environ.get(f"TEST_{what}_ON")
    if not (off and on):
        tool = load_settings().cluster_dir / "cluster"
        if not tool.exists():
            pytest.skip(f"no command cuts a node off here: TEST_{what}_OFF and TEST_{what}_ON")
        off, on = (shlex.join([str(tool), verb]) for verb in (off_verb, on_verb))
    subprocess.run([*shlex.split(off), node], check=True)
    try:
        yield
    finally:
        subprocess.run([*shlex.split(on), node], check=True)
