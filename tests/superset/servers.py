"""A Superset beside an analysts' SQL server with passwords and TLS, over a home with the sample's tables."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from lakehouse.settings import CHECKOUT, Settings
from lakehouse.sql_server.passwords import users_line
from tests.sql.servers import Server

PYTHON = CHECKOUT / ".venv-superset" / "bin" / "python"
CONFIGURATION = CHECKOUT / "helm" / "lakehouse" / "files" / "superset_config.py"
SECONDS = 600


@dataclass(frozen=True)
class Endpoint:
    """Where analysts' SQL is answered, as Superset is told it."""

    port: int
    ca: Path
    password_file: Path

    @property
    def uri(self) -> str:
        return f"spark://analyst@localhost:{self.port}/gold?tls=verify&ca={self.ca}"


@contextmanager
def endpoint(settings: Settings, folder: Path) -> Iterator[Endpoint]:
    """`lakehouse sql-server` over the home, which user `analyst` enters with a password of this test's."""
    password = secrets.token_urlsafe(16)
    key, certificate, keystore = folder / "key.pem", folder / "ca.crt", folder / "keystore.p12"
    for name, content in (("sql-password", password), ("users", users_line("analyst", password)), ("store", "s3cret")):
        (folder / name).write_text(f"{content}\n", encoding="utf-8")
    _openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
             "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate)  # fmt: skip
    _openssl("pkcs12", "-export", "-inkey", key, "-in", certificate, "-out", keystore, "-passout",
             f"file:{folder / 'store'}")  # fmt: skip
    server = Server.start(
        settings,
        "analyst",
        LAKEHOUSE_SQL_MEMORY="1g",
        LAKEHOUSE_SQL_USERS_FILE=str(folder / "users"),
        LAKEHOUSE_SQL_KEYSTORE=str(keystore),
        LAKEHOUSE_SQL_KEYSTORE_PASSWORD_FILE=str(folder / "store"),
    )
    try:
        yield Endpoint(server.port, certificate, folder / "sql-password")
    finally:
        server.stop()


@contextmanager
def superset(folder: Path) -> Iterator[tuple[str, Path]]:
    """An empty Superset: its address, and the file with the administrator's password."""
    admin, key = folder / "admin-password", folder / "secret-key"
    admin.write_text(secrets.token_urlsafe(16), encoding="utf-8")
    key.write_text(secrets.token_urlsafe(32), encoding="utf-8")
    port = free_port()
    environment = {
        **os.environ,
        "SUPERSET_CONFIG_PATH": str(CONFIGURATION),
        "LAKEHOUSE_SUPERSET_HOME": str(folder / "superset"),
        "LAKEHOUSE_SUPERSET_SECRET_KEY_FILE": str(key),
        "LAKEHOUSE_SUPERSET_ADMIN_PASSWORD_FILE": str(admin),
        "LAKEHOUSE_SUPERSET_LISTEN_PORT": str(port),
    }
    environment.pop("PYTHONPATH", None)  # this checkout's `lakehouse` is none of Superset's
    module = [str(PYTHON), "-m", "lakehouse_superset"]
    log = folder / "superset.log"
    with open(log, "w", encoding="utf-8") as said:
        subprocess.run([*module, "init"], env=environment, cwd=folder, stdout=said, stderr=said, check=True)
        process = subprocess.Popen([*module, "serve"], env=environment, cwd=folder, stdout=said, stderr=said)
    try:
        yield _answering(f"http://localhost:{port}", process, log), admin
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def lakehouse(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command as a person calls it."""
    given = {name: text for name, text in os.environ.items() if not name.startswith("LAKEHOUSE_SUPERSET")}
    command = [sys.executable, "-m", "lakehouse", *arguments]
    return subprocess.run(command, env={**given, **environment}, capture_output=True, text=True, check=False)


def _answering(url: str, process: subprocess.Popen[bytes], log: Path) -> str:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text(encoding="utf-8")
        try:
            if requests.get(f"{url}/health", timeout=30).ok:
                return url
        except requests.RequestException:
            time.sleep(1)
    raise AssertionError(log.read_text(encoding="utf-8"))


def _openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], capture_output=True, check=True)
