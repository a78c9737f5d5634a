"""Superset's REST API as a logged-in user."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import requests

from lakehouse.errors import InputError, LakehouseError

SECONDS = 300
"""Longest wait for an answer: an import lists the database's tables, which wakes a cold endpoint."""


class Superset:
    """A session of one user at one Superset."""

    def __init__(self, url: str) -> None:
        """
        Args:
            url: `http://host:8088`, of the place where its pages begin.

        Raises:
            InputError: it is no such address.
        """
        if not url.startswith(("http://", "https://")):
            raise InputError(f"{url!r} is no address of a Superset, such as http://localhost:8088")
        self.url = url.rstrip("/")
        self._session = requests.Session()

    def wait(self, seconds: float, pause: Callable[[float], None] = time.sleep) -> None:
        """Until Superset answers, or `seconds` have passed.

        Raises:
            LakehouseError: it does not answer, or what answers is no Superset.
        """
        end = time.monotonic() + seconds
        while True:
            try:
                answer = self._request("GET", "/health", timeout=10)
                if answer.ok and answer.text.strip() == "OK":
                    return
                why = f"no Superset answers at {self.url}/health (status {answer.status_code})"
            except LakehouseError as error:
                why = str(error)
            if time.monotonic() >= end:
                raise LakehouseError(why)
            pause(2)

    def log_in(self, user: str, password: str, provider: str = "db") -> None:
        """Log in; later requests are this user's.

        Raises:
            InputError: user or password is wrong, or the user may not import.
        """
        asked = {"username": user, "password": password, "provider": provider, "refresh": False}
        answer = self._request("POST", "/api/v1/security/login", json=asked)
        if answer.status_code in (400, 401, 403):
            raise InputError(f"the Superset at {self.url} refuses user {user!r}: name or password is wrong")
        if answer.status_code == 429:
            raise LakehouseError(
                f"the Superset at {self.url} takes no more log-ins for the moment: try again in a minute"
            )
        token = self._content(answer)["access_token"]
        self._session.headers["Authorization"] = f"Bearer {token}"
        self._session.headers["X-CSRFToken"] = self.get("/api/v1/security/csrf_token/")["result"]
        self._session.headers["Referer"] = self.url

    def get(self, path: str, **query: str) -> Any:
        """The JSON of a GET."""
        return self._content(self._request("GET", path, params=query))

    def post(self, path: str, **body: Any) -> Any:
        """The JSON that answers a POST; `body` as `requests` takes it."""
        return self._content(self._request("POST", path, **body))

    def send(self, method: str, path: str, **body: Any) -> requests.Response:
        """The answer, whatever its status."""
        return self._request(method, path, **body)

    @staticmethod
    def as_json(content: Any) -> str:
        """JSON as a field of a form."""
        return json.dumps(content, ensure_ascii=False)

    def _request(self, method: str, path: str, timeout: float = SECONDS, **more: Any) -> requests.Response:
        try:
            return self._session.request(method, f"{self.url}{path}", timeout=timeout, **more)
        except requests.exceptions.SSLError as error:
            raise LakehouseError(
                f"the certificate of {self.url} is not trusted ({_innermost(error)}): REQUESTS_CA_BUNDLE names a file "
                "with its authority"
            ) from None
        except requests.exceptions.Timeout:
            raise LakehouseError(f"{self.url} did not answer within {timeout:.0f} s") from None
        except requests.exceptions.RequestException as error:
            raise LakehouseError(f"{self.url} cannot be reached: {_innermost(error)}") from None

    def _content(self, answer: requests.Response) -> Any:
        if answer.status_code == 403:
            raise InputError(f"the user may not do this in {self.url}: importing wants the role Admin")
        if not answer.ok:
            raise LakehouseError(f"Superset refuses {answer.url.split('?')[0]}: {said_by(answer)}")
        try:
            return answer.json()
        except ValueError:
            raise LakehouseError(f"{self.url} does not answer as a Superset does") from None


def said_by(answer: requests.Response) -> str:
    """What Superset gives as its reason, in one line."""
    try:
        content = answer.json()
    except ValueError:
        return f"status {answer.status_code}"
    told = content.get("errors") or [content]
    said = []
    for one in told:
        details = (one.get("extra") or {}) if isinstance(one, dict) else {}
        message = one.get("message", "") if isinstance(one, dict) else str(one)
        files = {name: why for name, why in details.items() if name.endswith(".yaml")}
        said.append(f"{message} {json.dumps(files)}" if files else str(message))
    return " ".join("; ".join(said).split()) or f"status {answer.status_code}"


def _innermost(error: BaseException) -> str:
    while error.__context__ is not None:
        error = error.__context__
    return str(error).splitlines()[0] if str(error) else type(error).__name__
