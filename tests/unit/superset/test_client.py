"""What a person is told when Superset, or what is in its place, answers otherwise than hoped."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from lakehouse.errors import InputError, LakehouseError
from lakehouse.superset.client import Superset

ANSWERS: dict[str, tuple[int, Any]] = {}


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, content = ANSWERS.get(self.path.split("?")[0], (404, {"message": "Not found"}))
        body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def server() -> Iterator[str]:
    ANSWERS.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()


def test_a_wrong_password_is_told_with_the_user(server: str) -> None:
    ANSWERS["/api/v1/security/login"] = (401, {"message": "Not authorized"})
    with pytest.raises(InputError, match="refuses user 'admin': name or password is wrong"):
        Superset(server).log_in("admin", "x")


def test_too_many_log_ins_are_told_apart_from_a_wrong_password(server: str) -> None:
    ANSWERS["/api/v1/security/login"] = (429, "slow down")
    with pytest.raises(LakehouseError, match="takes no more log-ins"):
        Superset(server).log_in("admin", "x")


def test_a_user_who_may_not_import_is_told_the_role(server: str) -> None:
    ANSWERS["/api/v1/assets/import/"] = (403, {"message": "Forbidden"})
    with pytest.raises(InputError, match="wants the role Admin"):
        Superset(server).post("/api/v1/assets/import/")


def test_the_files_that_superset_refuses_are_named(server: str) -> None:
    why = {"charts/a.yaml": {"viz_type": ["Missing data"]}, "issue_codes": []}
    ANSWERS["/api/v1/assets/import/"] = (422, {"errors": [{"message": "Error importing", "extra": why}]})
    with pytest.raises(LakehouseError, match=r"Error importing .*charts/a\.yaml.*Missing data"):
        Superset(server).post("/api/v1/assets/import/")


def test_something_else_at_the_address_is_no_superset(server: str) -> None:
    ANSWERS["/health"] = (200, "<html>welcome</html>")
    with pytest.raises(LakehouseError, match="no Superset answers"):
        Superset(server).wait(0)


def test_a_superset_that_starts_is_waited_for(server: str) -> None:
    def come_up(_: float) -> None:
        ANSWERS["/health"] = (200, "OK")

    Superset(server).wait(60, pause=come_up)


def test_nobody_at_the_address_is_told_in_one_line() -> None:
    with pytest.raises(LakehouseError, match=r"http://127\.0\.0\.1:1 cannot be reached: .*refused"):
        Superset("http://127.0.0.1:1").wait(0)


def test_an_address_without_a_scheme_is_told() -> None:
    with pytest.raises(InputError, match="is no address of a Superset"):
        Superset("localhost:8088")
