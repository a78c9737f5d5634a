"""Tables of a release, read in the cluster and compared here."""

from __future__ import annotations

import base64
import io
import json
import tarfile
from typing import Any

import pyarrow as pa
import pyarrow.ipc

from tests.cluster.installation import Installation

# Every table of a schema as a stream of Arrow's, in one archive on standard output.
SCRIPT = """
import base64, io, sys, tarfile
import pyarrow.ipc
from lakehouse.settings import load_settings
from lakehouse.storage import delta_table, list_tables
settings, archive = load_settings(), io.BytesIO()
with tarfile.open(fileobj=archive, mode="w:gz") as tar:
    for schema, name in list_tables(settings):
        if schema in sys.argv[1:]:
            rows, stream = delta_table(settings, f"{schema}.{name}").to_pyarrow_table(), io.BytesIO()
            with pyarrow.ipc.new_stream(stream, rows.schema) as writer:
                writer.write_table(rows)
            entry = tarfile.TarInfo(f"{schema}.{name}")
            entry.size = stream.tell()
            stream.seek(0)
            tar.addfile(entry, stream)
sys.stdout.write(base64.b64encode(archive.getvalue()).decode())
"""

# The addresses of all executors that Spark wrote of.
HOSTS = """
import io, json, sys
import pyarrow.fs as pafs, zstandard
from lakehouse.settings import load_settings
from lakehouse.storage import filesystem
files, root = filesystem(load_settings())
hosts = set()
for entry in files.get_file_info(pafs.FileSelector(f"{root}/spark-logs", recursive=True)):
    if entry.type == pafs.FileType.File and entry.size:
        with files.open_input_stream(entry.path) as stream:
            raw = stream.read()
        text = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(raw), read_across_frames=True).read().decode()
        events = (json.loads(line) for line in text.splitlines() if "SparkListenerExecutorAdded" in line)
        hosts |= {event["Executor Info"]["Host"] for event in events}
print(json.dumps(sorted(hosts)))
"""


def reader_pod(installation: Installation) -> dict[str, Any]:
    """A pod as the run's, without its home and its rights, in which scripts can be run."""
    (run,) = [
        one for one in installation.objects("cronjobs") if one["metadata"]["name"] == f"{installation.release}-run"
    ]
    template = run["spec"]["jobTemplate"]["spec"]["template"]
    spec = json.loads(json.dumps(template["spec"]))
    spec.pop("initContainers", None)
    spec |= {"serviceAccountName": "default", "automountServiceAccountToken": False}
    kept = ("hadoop", "tmp")
    spec["volumes"] = [one for one in spec["volumes"] if one["name"] in kept]
    (container,) = spec["containers"]
    container["volumeMounts"] = [one for one in container["volumeMounts"] if one["name"] in kept]
    container |= {"args": ["sleep", "3600"], "workingDir": "/tmp"}
    container["resources"] = {"requests": {"cpu": "10m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}}
    container["env"] = [
        *(one for one in container["env"] if one["name"] != "LAKEHOUSE_LEASE"),
        {"name": "LAKEHOUSE_HOME", "value": "/tmp/home"},
    ]
    labels = {**template["metadata"]["labels"], "app.kubernetes.io/component": "test"}
    metadata = {"name": f"{installation.release}-reader", "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def tables_of(installation: Installation, *schemas: str, storage: str | None = None) -> dict[str, pa.Table]:
    """Every table of these schemas, by its name `schema.table`; in another storage than the release's, where told."""
    said = read_by(installation, SCRIPT, *schemas, storage=storage)
    found = {}
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(said)), mode="r:gz") as tar:
        for entry in tar:
            stream = tar.extractfile(entry)
            assert stream is not None
            found[entry.name] = pyarrow.ipc.open_stream(stream).read_all()
    return found


def hosts_in_event_logs(installation: Installation) -> list[str]:
    """Addresses of the executors that Spark's event logs tell of."""
    found: list[str] = json.loads(read_by(installation, HOSTS))
    return found


def read_by(
    installation: Installation, script: str, *arguments: str, storage: str | None = None, given: str | None = None
) -> str:
    """What a script prints that runs in a pod of the release; `given` is its standard input."""
    pod = reader_pod(installation)
    name = pod["metadata"]["name"]
    there = [one for one in installation.pods("test") if one["metadata"]["name"] == name]
    if there and there[0]["status"]["phase"] != "Running":  # its hour is over, or its node was lost
        installation.kubectl("delete", "pod", name, "--grace-period=0", "--force")
        there = []
    if not there:
        installation.kubectl("create", "--filename=-", given=json.dumps(pod))
    installation.kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=120s")
    elsewhere = ["env", f"LAKEHOUSE_STORAGE={storage}"] if storage else []
    stdin = ["--stdin"] if given is not None else []
    command = ["exec", *stdin, name, "--", *elsewhere, "python", "-c", script, *arguments]
    return installation.kubectl(*command, given=given)
