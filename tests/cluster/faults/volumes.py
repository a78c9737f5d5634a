"""Volumes without room, as a run's home and as what the DataNodes keep blocks on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.cluster.faults.parts import await_all_ready, killed_until_ready
from tests.cluster.installation import Installation

RESERVED = re.compile(r"(<name>dfs.datanode.du.reserved</name><value>)(\d+)")
MORE_THAN_ANY_DISK = str(10**15)


def with_a_home_of_a_megabyte(pod: dict[str, Any]) -> None:
    """Change the spec of a run's pod."""
    (home,) = [volume for volume in pod["volumes"] if volume["name"] == "home"]
    home.pop("persistentVolumeClaim")
    home["emptyDir"] = {"medium": "Memory", "sizeLimit": "1Mi"}  # a file system of that size


@contextmanager
def full_data_nodes(installed: Installation) -> Iterator[None]:
    """The DataNodes leave more free than there is, which is what a full volume is to them; one is always there."""
    file = "hdfs-site.xml"
    name = f"{installed.release}-hadoop"
    found = json.loads(installed.kubectl("get", "configmap", name, "--output=json", "--show-managed-fields"))
    before = found["data"][file]
    assert RESERVED.search(before)
    # Applied as Helm does: fields that another manager owns are in the way of the next upgrade.
    helm = next(one["manager"] for one in found["metadata"]["managedFields"] if one["operation"] == "Apply")
    told = {key: found["metadata"].get(key, {}) for key in ("name", "labels", "annotations")}

    def have(content: str) -> None:
        wanted = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": told, "data": {**found["data"], file: content}}
        how = ("--server-side", f"--field-manager={helm}", "--filename=-")
        installed.kubectl("apply", *how, given=json.dumps(wanted))
        for pod in sorted(one["metadata"]["name"] for one in installed.pods("datanode")):
            killed_until_ready(installed, "datanode", pod=pod)

    have(RESERVED.sub(rf"\g<1>{MORE_THAN_ANY_DISK}", before))
    try:
        yield
    finally:
        have(before)
        await_all_ready(installed)


def error_of(said: str) -> str:
    """What a run that failed said last, which is one sentence."""
    assert "Traceback" not in said
    *_, line = [line for line in said.splitlines() if line.startswith("error: ")]
    return line.removeprefix("error: ")
