"""Executors of a node that is lost are replaced.

Kubernetes deletes the pods of a node that does not answer, but such a pod stays, `Running` and with a time of deletion,
until the node's kubelet says that it has ended: for ever, where the power is cut. Spark counts it among its executors
and asks for no other one: plain Spark goes on with the executors that are left. So whoever is past its time of deletion
is removed here by force; Spark sees that it is gone, does its tasks again and asks for another one. Rights to pods are
all that this needs: what a node is like is not asked.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kubernetes.client import CoreV1Api

SECONDS_BETWEEN = 3.0
BEYOND = timedelta(seconds=5)
"""Past the time of deletion, for a kubelet that is busy and for clocks that differ."""


def overdue(pods: Iterable[Any], now: datetime) -> list[str]:
    """Names of the pods (`V1Pod`) that should have ended, grace included, and have not."""
    found = []
    for pod in pods:
        due = pod.metadata.deletion_timestamp  # when it was deleted, and its grace on top
        if due is not None and now > due + BEYOND:
            found.append(str(pod.metadata.name))
    return found


class LostExecutors(threading.Thread):
    """Looks at the executors of an application every few seconds."""

    def __init__(self, namespace: str, application: str, api: CoreV1Api | None = None) -> None:
        """Nothing is looked at before `start`.

        Args:
            namespace: of the executors' pods.
            application: Spark's id of it.
            api: of the cluster, where it is not the one that this process's pod runs in.
        """
        super().__init__(name="lost executors", daemon=True)
        self._namespace, self._application, self._api = namespace, application, api
        self._over = threading.Event()
        self.removed: list[str] = []

    def stop(self) -> None:
        self._over.set()

    def run(self) -> None:
        while not self._over.wait(SECONDS_BETWEEN):
            try:
                self.look(datetime.now(timezone.utc))
            except Exception as error:  # no answer now: the next look will find what this one would have
                print(f"executors cannot be looked at: {str(error).splitlines()[0]}", file=sys.stderr)
                self._over.wait(10 * SECONDS_BETWEEN)

    def look(self, now: datetime) -> None:
        """Remove by force the executors that are overdue."""
        from kubernetes.client.exceptions import ApiException

        api = self._api = self._api or _api_of_this_pod()
        mine = f"spark-role=executor,spark-app-selector={self._application}"
        for name in overdue(api.list_namespaced_pod(self._namespace, label_selector=mine).items, now):
            try:
                api.delete_namespaced_pod(name, self._namespace, grace_period_seconds=0)
            except ApiException as error:
                if error.status != 404:
                    raise
            self.removed.append(name)
            print(f"executor {name} was on a node that does not answer; it is replaced", file=sys.stderr)


def _api_of_this_pod() -> CoreV1Api:
    from kubernetes import client, config

    asked = client.Configuration()
    config.load_incluster_config(client_configuration=asked)
    return client.CoreV1Api(client.ApiClient(asked))
