"""The way to a Kubernetes cluster: from a pod by its service account, from anywhere else by the kubeconfig."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakehouse.errors import InputError, LakehouseError
from lakehouse.settings import Settings

if TYPE_CHECKING:
    from kubernetes.client import ApiClient, BatchV1Api, CoordinationV1Api, CoreV1Api

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
SECONDS = (5.0, 15.0)
"""To connect, and to wait for an answer."""


class Unreachable(LakehouseError):
    """The API server does not answer (now)."""


@dataclass(frozen=True)
class Cluster:
    """A release of ours in a namespace of a cluster, and the API that it is reached by."""

    api: ApiClient
    namespace: str
    release: str
    server: str

    @property
    def core(self) -> CoreV1Api:
        from kubernetes.client import CoreV1Api

        return CoreV1Api(self.api)

    @property
    def batch(self) -> BatchV1Api:
        from kubernetes.client import BatchV1Api

        return BatchV1Api(self.api)

    @property
    def coordination(self) -> CoordinationV1Api:
        from kubernetes.client import CoordinationV1Api

        return CoordinationV1Api(self.api)


def in_a_pod() -> bool:
    """Whether this process runs in a pod that may ask the API server."""
    return "KUBERNETES_SERVICE_HOST" in os.environ and (ACCOUNT / "token").exists()


def connect(settings: Settings) -> Cluster:
    """The cluster of the settings; nothing is asked of it yet.

    Raises:
        InputError: there is no usable kubeconfig, or it has no such context.
    """
    from kubernetes import client, config
    from kubernetes.config.config_exception import ConfigException

    asked = client.Configuration()
    namespace = None
    try:
        if settings.kube_context is None and in_a_pod():
            config.load_incluster_config(client_configuration=asked)
            namespace = (ACCOUNT / "namespace").read_text(encoding="utf-8").strip()
        else:
            files = os.environ.get("KUBECONFIG")  # the client reads it once only, as it is imported
            config.load_kube_config(files, settings.kube_context, client_configuration=asked)
            contexts, active = config.list_kube_config_contexts(files)
            named = {context["name"]: context["context"] for context in contexts}
            namespace = named[settings.kube_context or active["name"]].get("namespace")
    except (ConfigException, OSError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(_about_the_kubeconfig(settings, error)) from None
    asked.retries = False
    return Cluster(
        client.ApiClient(asked), settings.namespace or namespace or "default", settings.release, str(asked.host)
    )


def _about_the_kubeconfig(settings: Settings, error: Exception) -> str:
    where = os.environ.get("KUBECONFIG") or "~/.kube/config"
    which = f" with context {settings.kube_context!r}" if settings.kube_context else ""
    first = (str(error).splitlines() or [type(error).__name__])[0]
    return f"no cluster is known: the kubeconfig {where}{which} cannot be used ({first}); set KUBECONFIG to yours"


@contextmanager
def explained(cluster: Cluster, doing: str) -> Iterator[None]:
    """Say what the API server refused in one sentence.

    Args:
        doing: what is attempted, as "start a run".

    Raises:
        InputError: credentials or rights are missing, or what is asked for is not there or not allowed.
        Unreachable: no answer, or one that says try again.
    """
    from kubernetes.client.exceptions import ApiException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except ApiException as error:
        told = message_of(error)
        if error.status == 401:
            sentence = f"the cluster {cluster.server} does not accept the credentials of your kubeconfig; log in again"
        elif error.status == 403:
            sentence = f"you may not {doing} in namespace {cluster.namespace}: {told}; ask who runs the cluster"
        elif error.status is None or error.status == 429 or error.status >= 500:
            raise Unreachable(f"the cluster {cluster.server} cannot {doing} now: {told or error.reason}") from None
        else:
            sentence = f"the cluster refuses to {doing}: {told}"
        raise InputError(sentence) from None
    except (HTTPError, OSError) as error:
        raise Unreachable(
            f"the cluster {cluster.server} does not answer ({_cause(error)}); is it up, is the kubeconfig right?"
        ) from None


def message_of(error: Any) -> str:
    """What the API server says in an `ApiException`."""
    try:
        return str(json.loads(error.body)["message"])
    except (ValueError, KeyError, TypeError):
        return str(error.reason or "")


def _cause(error: BaseException) -> str:
    reason = getattr(error, "reason", None)
    text = str(reason if isinstance(reason, BaseException) else error)
    return text.split(": ", 1)[-1][:200] if text.startswith("<") or "object at 0x" in text else text[:200]
