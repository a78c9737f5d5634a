"""The port that people connect to: ends TLS, and hands each connection to the Java that takes new ones."""

from __future__ import annotations

import asyncio
import ssl
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from lakehouse.errors import InputError
from lakehouse.settings import Settings

CHUNK = 1 << 16


@dataclass(eq=False)
class Route:
    """A backend's port, and the connections that lead there."""

    port: int
    connections: set[asyncio.StreamWriter] = field(default_factory=set)
    last_byte_at: float = field(default_factory=time.monotonic)


class Gateway:
    """Forwards bytes between clients and the current route; a connection stays with the route it began with."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self.current: Route | None = None
        self._tls = tls
        self._server: asyncio.Server | None = None

    async def listen(self, host: str, port: int) -> int:
        """Open the port, where it is not open; returns which one it is."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, host, port, ssl=self._tls, limit=CHUNK)
        return int(self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Let nobody in any more; who is in stays."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        route = self.current
        if route is None:
            writer.close()
            return
        try:
            answers, questions = await asyncio.open_connection("127.0.0.1", route.port, limit=CHUNK)
        except OSError:
            writer.close()
            return
        route.connections.add(writer)
        try:
            await asyncio.gather(_pump(reader, questions, route), _pump(answers, writer, route))
        finally:
            route.connections.discard(writer)


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter, route: Route) -> None:
    with suppress(OSError, asyncio.IncompleteReadError):
        while data := await source.read(CHUNK):
            route.last_byte_at = time.monotonic()
            target.write(data)
            await target.drain()
    with suppress(OSError, RuntimeError):
        target.close()


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """What TLS the settings ask for; None for none.

    Raises:
        InputError: the keystore or its password file cannot be read, or do not belong together.
    """
    if settings.sql_keystore is None:
        return None
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.serialization import pkcs12

    try:
        password = b""
        if settings.sql_keystore_password_file is not None:
            password = settings.sql_keystore_password_file.read_bytes().strip()
        key, certificate, others = pkcs12.load_key_and_certificates(settings.sql_keystore.read_bytes(), password)
    except (OSError, ValueError) as error:
        raise InputError(f"LAKEHOUSE_SQL_KEYSTORE {settings.sql_keystore} cannot be read: {error}") from None
    if key is None or certificate is None:
        raise InputError(f"LAKEHOUSE_SQL_KEYSTORE {settings.sql_keystore} holds no key with its certificate")
    pem = serialization.Encoding.PEM
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    with tempfile.TemporaryDirectory() as folder:  # a context takes files only; of mode 600, gone at once
        path = Path(folder) / "key.pem"
        path.touch(mode=0o600)
        path.write_bytes(
            key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            + b"".join(one.public_bytes(pem) for one in (certificate, *others))
        )
        context.load_cert_chain(path)
    return context
