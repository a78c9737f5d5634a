"""The Lease in a cluster's API server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakehouse.cluster.connection import SECONDS, Cluster
from lakehouse.cluster.lease import Conflict

if TYPE_CHECKING:
    from kubernetes.client import V1Lease, V1Pod


class KeptLease:
    """`Leases` by the API of a cluster; each answer is awaited for some seconds and not asked for again."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self._cluster = cluster
        self._name = name

    def read(self) -> V1Lease | None:
        """The Lease as it is now; None where there is none."""
        from kubernetes.client import V1LeaseSpec
        from kubernetes.client.exceptions import ApiException

        try:
            lease = self._cluster.coordination.read_namespaced_lease(
                self._name, self._cluster.namespace, _request_timeout=SECONDS
            )
        except ApiException as error:
            if error.status == 404:
                return None
            raise
        lease.spec = lease.spec or V1LeaseSpec()
        return lease

    def create(self, lease: V1Lease) -> V1Lease:
        """Raises: Conflict: it is there."""
        from kubernetes.client.exceptions import ApiException

        lease.metadata.name = self._name
        try:
            return self._cluster.coordination.create_namespaced_lease(
                self._cluster.namespace, lease, _request_timeout=SECONDS
            )
        except ApiException as error:
            if error.status == 409:
                raise Conflict from error
            raise

    def replace(self, lease: V1Lease) -> V1Lease:
        """Raises: Conflict: it is no more as it was read."""
        from kubernetes.client.exceptions import ApiException

        try:
            return self._cluster.coordination.replace_namespaced_lease(
                self._name, self._cluster.namespace, lease, _request_timeout=SECONDS
            )
        except ApiException as error:
            if error.status in (404, 409):
                raise Conflict from error
            raise

    def has_ended(self, pod: str) -> bool:
        """Whether the kubelet vouches for the end of a pod's processes; no where it cannot be known."""
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        try:
            found = self._cluster.core.read_namespaced_pod(pod, self._cluster.namespace, _request_timeout=SECONDS)
        except (ApiException, HTTPError):
            return False  # a pod that is gone may have been taken off a node that was only cut off
        return all_ended(found)


def all_ended(pod: V1Pod) -> bool:
    """Whether each container ended for good; who only deletes a lost node's pod does not write that."""
    states = pod.status.container_statuses or []
    return pod.spec.restart_policy == "Never" and bool(states) and all(one.state.terminated for one in states)
