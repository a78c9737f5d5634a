"""The front: a connection stays with the Java that it began with."""

import asyncio
import ssl
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from lakehouse.errors import InputError
from lakehouse.settings import load_settings
from lakehouse.sql_server.gateway import Gateway, Route, tls_context
from lakehouse.sql_server.server import serve


async def _echo(name: bytes) -> tuple[asyncio.Server, Route]:
    """A backend that answers each line with its name and the line."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(name + b" " + line)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    return server, Route(server.sockets[0].getsockname()[1])


async def _say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: bytes) -> bytes:
    writer.write(line + b"\n")
    return (await asyncio.wait_for(reader.readline(), 5)).strip()


def test_who_is_connected_stays_with_the_old_java_and_who_comes_gets_the_new_one() -> None:
    async def scene() -> None:
        gateway = Gateway(None)
        (_, old), (_, new) = await _echo(b"old"), await _echo(b"new")
        gateway.current = old
        port = await gateway.listen("127.0.0.1", 0)
        first = await asyncio.open_connection("127.0.0.1", port)
        assert await _say(*first, b"1") == b"old 1"
        gateway.current = new
        second = await asyncio.open_connection("127.0.0.1", port)
        assert await _say(*second, b"2") == b"new 2"
        assert await _say(*first, b"3") == b"old 3"
        assert (len(old.connections), len(new.connections)) == (1, 1)
        first[1].close()
        for _ in range(50):
            if not old.connections:
                break
            await asyncio.sleep(0.05)
        assert (len(old.connections), len(new.connections)) == (0, 1)

    asyncio.run(scene())


def _keystore(folder: Path, password: bytes) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    encryption = serialization.BestAvailableEncryption(password)
    path = folder / "keystore.p12"
    path.write_bytes(pkcs12.serialize_key_and_certificates(b"sql", key, certificate, None, encryption))
    (folder / "password").write_bytes(password + b"\n")
    return path


def test_a_client_that_checks_the_certificate_is_served_by_tls(tmp_path: Path) -> None:
    keystore = _keystore(tmp_path, b"s3cret")
    settings = load_settings(sql_keystore=keystore, sql_keystore_password_file=tmp_path / "password")

    async def scene() -> None:
        gateway = Gateway(tls_context(settings))
        _, gateway.current = await _echo(b"java")
        port = await gateway.listen("127.0.0.1", 0)
        trusting = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
        ends = await asyncio.open_connection("127.0.0.1", port, ssl=trusting, server_hostname="localhost")
        assert await _say(*ends, b"hello") == b"java hello"
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.open_connection(
                "127.0.0.1", port, ssl=ssl.create_default_context(), server_hostname="localhost"
            )

    asyncio.run(scene())


def test_a_keystore_with_another_password_is_the_persons_fault(tmp_path: Path) -> None:
    keystore = _keystore(tmp_path, b"s3cret")
    (tmp_path / "password").write_text("other")
    with pytest.raises(InputError, match=r"LAKEHOUSE_SQL_KEYSTORE .* cannot be read"):
        tls_context(load_settings(sql_keystore=keystore, sql_keystore_password_file=tmp_path / "password"))


def test_a_server_without_passwords_is_not_open_to_other_machines(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"LAKEHOUSE_SQL_USERS_FILE .* LAKEHOUSE_SQL_KEYSTORE"):
        serve(load_settings(home=tmp_path), "analyst", "0.0.0.0", 0, print)
