"""The Kubernetes client's objects of what an API server would answer."""

from __future__ import annotations

import json
from typing import Any

from kubernetes.client import ApiClient


def model(kind: str, content: dict[str, Any]) -> Any:
    """The object of a kind, as `V1Pod`, from its JSON."""
    return ApiClient().deserialize(json.dumps(content), kind, "application/json")


def condition(kind: str, status: str, reason: str, message: str = "") -> dict[str, str]:
    """A condition of a status."""
    return {"type": kind, "status": status, "reason": reason, "message": message}
