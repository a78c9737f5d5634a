"""A process that holds a Lease and writes all the while: `python -m tests.cluster.holding NAMESPACE SECONDS FILE`.

A fourth argument, `host:port`, is where the API server is reached, if not where the kubeconfig says.
Each of its two threads appends lines `<name> <seconds since boot>` to FILE as fast as it can.
"""

from __future__ import annotations

import os
import sys
import threading

from lakehouse.cluster.connection import connect
from lakehouse.cluster.kept_lease import KeptLease
from lakehouse.cluster.lease import Holder, Timing, acquire, boot_seconds, holding
from lakehouse.settings import load_settings

LEASE = "lakehouse-run"


def main(namespace: str, seconds: str, file: str, server: str = "") -> None:
    cluster = connect(load_settings(namespace=namespace))
    if server:
        configuration = cluster.api.configuration
        host = configuration.host.partition("://")[2].partition(":")[0]
        configuration.host, configuration.tls_server_name = f"https://{server}", host
        configuration.refresh_api_key_hook = None  # it would set the kubeconfig's host again
        cluster = type(cluster)(type(cluster.api)(configuration), cluster.namespace, cluster.release, server)
    name = f"pid-{os.getpid()}"
    out = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    held = acquire(
        KeptLease(cluster, LEASE), Holder(f"{name}/{name}", name, "run", "a test"), Timing.of(float(seconds))
    )
    with holding(held):
        for _ in range(2):
            threading.Thread(target=_write, args=(out, name), daemon=True).start()
        print("held", flush=True)
        sys.stdin.read()


def _write(out: int, name: str) -> None:
    while True:
        os.write(out, f"{name} {boot_seconds():.6f}\n".encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
