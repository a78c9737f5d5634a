"""The helm program: on the PATH, or that of the folder that starts clusters (`LAKEHOUSE_CLUSTER_DIR`)."""

from __future__ import annotations

import functools
import shutil
import subprocess

from lakehouse.settings import CHECKOUT, load_settings

CHART = CHECKOUT / "helm" / "lakehouse"
MISSING = "no helm program: neither on the PATH nor built below LAKEHOUSE_CLUSTER_DIR"


@functools.cache
def helm_command() -> tuple[str, ...] | None:
    """How helm is called; None where there is none."""
    found = shutil.which("helm")
    if found:
        return (found,)
    cluster = load_settings().cluster_dir / "cluster"
    if not cluster.exists():
        return None
    called = (str(cluster), "helm")
    tried = subprocess.run([*called, "version"], capture_output=True)
    return called if tried.returncode == 0 else None
