"""A namespace of a test's own in whatever cluster the kubeconfig points at."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lakehouse.cluster.connection import Cluster, connect, explained
from lakehouse.errors import LakehouseError
from lakehouse.settings import load_settings

LABELS = {"pod-security.kubernetes.io/enforce": "restricted"}


@contextmanager
def fresh_namespace(beginning: str, release: str = "lakehouse") -> Iterator[Cluster]:
    """The cluster, in a namespace that is there for the block."""
    from kubernetes.client import V1Namespace, V1ObjectMeta

    name = f"{beginning}-{secrets.token_hex(3)}"
    try:
        cluster = connect(load_settings(namespace=name, release=release))
        with explained(cluster, "make a namespace"):
            cluster.core.create_namespace(V1Namespace(metadata=V1ObjectMeta(name=name, labels=LABELS)))
    except LakehouseError as error:
        pytest.fail(f"these tests need a cluster, by the current kubeconfig: {error}", pytrace=False)
    try:
        yield cluster
    finally:
        cluster.core.delete_namespace(name, grace_period_seconds=0)
