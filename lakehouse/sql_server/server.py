"""The SQL server in the foreground: a front that stays, and Javas behind it that are replaced before they leak.

A Java that has served `sql_recycle_hours` or `sql_recycle_statements` is followed by a fresh one: that starts and warms
itself beside it, takes the new connections, and the old one ends when nobody is connected, or when nothing was running
and nobody said a byte for ten minutes. No statement is cut (delta#1359 names the leak; nobody has found its cause).
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from lakehouse.errors import InputError, LakehouseError
from lakehouse.settings import Settings
from lakehouse.sql_server.configuration import Role
from lakehouse.sql_server.extension import make_extension
from lakehouse.sql_server.gateway import Gateway, Route, tls_context

STARTS_WITHIN_SECONDS = 900
IDLE_SECONDS = 600
LOOKS_EVERY_SECONDS = 2.0
LEAVES_WITHIN_SECONDS = 30


class Java:
    """A backend process and the route to it."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.route = Route(port)
        self.began_at = time.monotonic()

    @classmethod
    async def start(cls, settings: Settings, role: Role) -> Java:
        """A backend that answers and is warm.

        Raises:
            LakehouseError: it ended, or did not answer in time.
        """
        port = _free_port()
        command = [sys.executable, "-m", "lakehouse.sql_server.backend", role, str(port)]
        settings.log_dir.mkdir(parents=True, exist_ok=True)
        with open(settings.log_dir / f"sql-{role}.err", "ab") as said:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=said,
                env={**os.environ, **_told(settings)},
                start_new_session=True,  # Ctrl-C is for the front: what runs may end
            )
        java = cls(process, port)
        try:
            await asyncio.wait_for(java._line(), STARTS_WITHIN_SECONDS)
        except (asyncio.TimeoutError, ValueError):
            java.kill()
            raise LakehouseError(
                f"the SQL server's Java did not start: see {settings.log_dir}/sql-{role}.err and sql-{role}.log"
            ) from None
        return java

    @property
    def has_ended(self) -> bool:
        return self.process.returncode is not None

    async def status(self) -> dict[str, int]:
        """Statements running, statements asked, bytes of heap; nothing running where it does not answer."""
        with suppress(OSError, ValueError, asyncio.TimeoutError):
            assert self.process.stdin is not None
            self.process.stdin.write(b"status\n")
            await self.process.stdin.drain()
            return await asyncio.wait_for(self._line(), 10)
        return {"running": 0, "statements": 0, "heap": 0}

    async def _line(self) -> dict[str, int]:
        assert self.process.stdout is not None
        content: dict[str, int] = json.loads(await self.process.stdout.readline())
        return content

    async def drained(self) -> bool:
        """Whether nobody would miss it."""
        if self.has_ended or not self.route.connections:
            return True
        idle = time.monotonic() - self.route.last_byte_at
        return idle > IDLE_SECONDS and (await self.status())["running"] == 0

    def kill(self) -> None:
        """End it and what it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


class SqlServer:
    """Front and Javas of one role."""

    def __init__(self, settings: Settings, role: Role, host: str, port: int, say: Callable[[str], None]) -> None:
        self.settings = settings
        self.role: Role = role
        self._host = host
        self._port = port
        self._say = say
        self._gateway = Gateway(tls_context(settings))
        self._leaving: list[Java] = []
        self._stopping = asyncio.Event()
        self.java: Java | None = None

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT.

        Raises:
            LakehouseError: Java did not start, or ended by itself.
        """
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._stopping.set)
        try:
            await self._take(await self._started())
            while not self._stopping.is_set():
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), LOOKS_EVERY_SECONDS)
                await self._look()
            await self._leave()
        finally:
            for java in [*self._leaving, *([self.java] if self.java else [])]:
                java.kill()

    async def _started(self) -> Java:
        """A new Java; a signal meanwhile ends the wait."""
        starting = asyncio.create_task(Java.start(self.settings, self.role))
        stopped = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({starting, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        return await starting

    async def _take(self, java: Java) -> None:
        self.java = java
        self._gateway.current = java.route
        port = await self._gateway.listen(self._host, self._port)
        self._say(f"ready: {self.role} on {self._host}:{port}")

    async def _look(self) -> None:
        assert self.java is not None
        for java in list(self._leaving):
            if await java.drained():
                java.kill()
                self._leaving.remove(java)
        if self.java.has_ended:
            self._gateway.close()
            raise LakehouseError(
                "the SQL server's Java ended by itself (out of memory: LAKEHOUSE_SQL_MEMORY sets its heap); see "
                f"{self.settings.log_dir}/sql-{self.role}.log"
            )
        if not self._leaving and await self._is_old(self.java):
            await self.recycle()

    async def _is_old(self, java: Java) -> bool:
        hours = (time.monotonic() - java.began_at) / 3600
        if hours >= self.settings.sql_recycle_hours:
            return True
        return (await java.status())["statements"] >= self.settings.sql_recycle_statements

    async def recycle(self) -> None:
        """Replace the Java: new connections go to the new one, the old one ends when it is not missed."""
        assert self.java is not None
        self._say("replacing the Java of the server; connections stay")
        try:
            fresh = await self._started()
        except LakehouseError as fault:  # the old one still serves
            self._say(f"not replaced: {fault}")
            self.java.began_at = time.monotonic()
            return
        self._leaving.append(self.java)
        await self._take(fresh)

    async def _leave(self) -> None:
        """Let what runs end, for half a minute."""
        self._gateway.close()
        until = time.monotonic() + LEAVES_WITHIN_SECONDS
        for java in [*self._leaving, *([self.java] if self.java else [])]:
            while time.monotonic() < until and (await java.status())["running"] and not java.has_ended:
                await asyncio.sleep(0.2)


def serve(settings: Settings, role: Role, host: str, port: int, say: Callable[[str], None]) -> None:
    """Serve in the foreground until a signal.

    Raises:
        InputError: it would be open to others without passwords or TLS.
        LakehouseError: Java did not start, or ended by itself.
    """
    is_open = host not in ("127.0.0.1", "localhost", "::1")
    if is_open and (settings.sql_users_file is None or settings.sql_keystore is None):
        raise InputError(
            f"--host {host} lets in other machines: set LAKEHOUSE_SQL_USERS_FILE (lines of `lakehouse sql-user`) and "
            "LAKEHOUSE_SQL_KEYSTORE, so that they need a password and send it by TLS"
        )
    make_extension(settings)
    asyncio.run(SqlServer(settings, role, host, port, say).run())


def _told(settings: Settings) -> dict[str, str]:
    """The settings as variables: the backend has them as the front, whatever file they came from."""
    told = {}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if value is not None and name != "mlflow_tracking_uri":
            told[f"LAKEHOUSE_{name.upper()}"] = str(value)
    return told


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
