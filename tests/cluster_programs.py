"""The programs that speak with a cluster: on the PATH, or of the folder that starts one (`LAKEHOUSE_CLUSTER_DIR`)."""

from __future__ import annotations

import functools
import shutil
import subprocess

from lakehouse.settings import CHECKOUT, load_settings

CHART = CHECKOUT / "helm" / "lakehouse"
MISSING = "no helm program: neither on the PATH nor built below LAKEHOUSE_CLUSTER_DIR"


@functools.cache
def program(name: str) -> tuple[str, ...] | None:
    """How `helm` or `kubectl` is called; None where it is not to be had (for kubectl: where no cluster is known)."""
    found = shutil.which(name)
    if found:
        return (found,)
    cluster = load_settings().cluster_dir / "cluster"
    if not cluster.exists():
        return None
    called = (str(cluster), name)
    tried = subprocess.run(
        [*called, *(["version"] if name == "helm" else ["version", "--client"])], capture_output=True
    )
    return called if tried.returncode == 0 else None


def helm_command() -> tuple[str, ...] | None:
    """How helm is called; None where there is none."""
    return program("helm")
