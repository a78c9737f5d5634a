"""Real database servers for the tests: each started on a free port with a fresh data folder, gone afterwards.

Statements go through the servers' own command-line clients, so that the tests share no code with what they test.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PASSWORD = "s3cret-Of-The-Tests"
USER = "reader"
DATABASE = "shop"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Server:
    """A running server with a database `shop` and a user `reader` who owns it."""

    scheme: str
    port: int
    folder: Path
    process: subprocess.Popen[bytes]
    client: list[str]
    environment: dict[str, str]

    @property
    def jdbc(self) -> str:
        return f"jdbc:{self.scheme}://127.0.0.1:{self.port}/{DATABASE}"

    @property
    def target(self) -> str:
        return f"{self.scheme}://{USER}@127.0.0.1:{self.port}/{DATABASE}"

    def run(self, sql: str) -> list[list[str]]:
        """The rows of the last statement, as the client prints them: tabs between columns."""
        done = subprocess.run(self.client, input=sql, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return [line.split("\t") for line in done.stdout.splitlines()]

    def session(self) -> subprocess.Popen[str]:
        """A client that stays connected: statements are written to its `stdin`."""
        return subprocess.Popen(
            self.client, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def kill(self) -> None:
        """kill -9, the server and all that it started."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def postgresql_binaries() -> Path | None:
    """The folder with `initdb` and `postgres`: Debian's newest, else that of the search path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


def mariadb_is_installed() -> bool:
    return bool(_mariadbd() and shutil.which("mariadb-install-db") and shutil.which("mariadb"))


def start_postgresql(settings: tuple[str, ...] = ()) -> Server:
    """A PostgreSQL server with passwords by SCRAM."""
    binaries = postgresql_binaries()
    assert binaries is not None
    folder, port = Path(tempfile.mkdtemp(prefix="lakehouse-pg-")), free_port()
    (folder / "password").write_text(PASSWORD, encoding="utf-8")
    as_user: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to be root's
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        subprocess.run(["chown", "-R", "postgres:", str(folder)], check=True)
    data = folder / "data"
    initdb = [str(binaries / "initdb"), "-D", str(data), "-U", USER, "-N", "-A", "scram-sha-256", "-E", "UTF8"]
    initdb += ["--locale=C", f"--pwfile={folder / 'password'}"]
    subprocess.run([*as_user, *initdb], check=True, capture_output=True, cwd="/")
    options = ["fsync=off", f"unix_socket_directories={folder}", "listen_addresses=127.0.0.1", *settings]
    command = [str(binaries / "postgres"), "-D", str(data), "-p", str(port)]
    command += [part for option in options for part in ("-c", option)]
    client = ["psql", "-qXAt", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(port), "-U", USER]
    process = _start([*as_user, *command], folder)
    environment = {**os.environ, "PGPASSWORD": PASSWORD, "PGTZ": "UTC"}
    server = Server("postgresql", port, folder, process, [*client, DATABASE], environment)
    _wait(server, [*client, "-c", f"create database {DATABASE}", "postgres"])
    return server


def start_mariadb(settings: tuple[str, ...] = ()) -> Server:
    """A MariaDB server; sql_mode is the empty one that lets zero dates in."""
    folder, port = Path(tempfile.mkdtemp(prefix="lakehouse-my-")), free_port()
    data, me = folder / "data", "root" if os.geteuid() == 0 else None
    owner = [f"--user={me}"] if me else []
    install = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--skip-test-db"]
    subprocess.run(
        [*install, "--auth-root-authentication-method=normal", *owner], check=True, capture_output=True, cwd=folder
    )
    command = [str(_mariadbd()), "--no-defaults", f"--datadir={data}", f"--port={port}", *owner]
    command += [f"--socket={folder / 'sock'}", f"--pid-file={folder / 'pid'}", "--bind-address=127.0.0.1"]
    command += ["--innodb-flush-log-at-trx-commit=0", "--sql-mode=", "--character-set-server=utf8mb4", *settings]
    process = _start(command, folder)
    root = ["mariadb", "--no-defaults", "-N", "-B", "-r", f"--socket={folder / 'sock'}", "-u", "root"]
    root += ["--default-character-set=utf8mb4"]
    server = Server("mariadb", port, folder, process, [*root, DATABASE], dict(os.environ))
    grant = (
        f"create database {DATABASE} character set utf8mb4; create user {USER}@'%' identified by '{PASSWORD}';"
        f" grant all on {DATABASE}.* to {USER}@'%'"
    )
    _wait(server, [*root, "-e", grant])
    return server


STARTS: dict[str, Callable[..., Server]] = {"postgresql": start_postgresql, "mariadb": start_mariadb}


def _mariadbd() -> str | None:
    return shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin")


def _start(command: list[str], folder: Path) -> subprocess.Popen[bytes]:
    with open(folder / "log", "wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, cwd="/", start_new_session=True)


def _wait(server: Server, first_statement: list[str]) -> None:
    """Until the server takes the statement that sets it up."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.process.poll() is None:
        done = subprocess.run(first_statement, env=server.environment, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        time.sleep(0.1)
    log = (server.folder / "log").read_text(errors="replace")
    server.stop()
    raise AssertionError(f"the {server.scheme} server did not start: {done.stderr} {log[-1000:]}")
