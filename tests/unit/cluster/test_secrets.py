"""Secrets are made once, added to, never changed; the certificate is one that clients can verify."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import pkcs12

from lakehouse.cluster.secrets import MASTER_KEY, PASSWORDS, keep, missing_entries, server_certificate
from lakehouse.privacy.master_key import KeyFile
from lakehouse.sql_server import passwords

kubernetes = pytest.importorskip("kubernetes")

NOW = datetime(2026, 11, 30, tzinfo=timezone.utc)
HOSTS = ["lake-sql-analyst", "lake-sql-analyst.shop.svc"]


class Cluster:
    """A namespace with secrets, which refuses a change of what has changed since it was read."""

    def __init__(self) -> None:
        self.secrets: dict[str, Any] = {}
        self.interruption: dict[str, bytes] = {}

    def read_namespaced_secret(self, name: str, namespace: str) -> Any:
        if name not in self.secrets:
            raise kubernetes.client.exceptions.ApiException(status=404)
        found = self.secrets[name]
        return kubernetes.client.V1Secret(
            metadata=kubernetes.client.V1ObjectMeta(name=name, resource_version=found.metadata.resource_version),
            data=dict(found.data),
        )

    def create_namespaced_secret(self, namespace: str, secret: Any) -> None:
        if self.interruption:  # another was faster
            self._put(secret.metadata.name, self._encoded(self.interruption), "1")
            self.interruption = {}
        if secret.metadata.name in self.secrets:
            raise kubernetes.client.exceptions.ApiException(status=409)
        self._put(secret.metadata.name, secret.data, "1")

    def replace_namespaced_secret(self, name: str, namespace: str, secret: Any) -> None:
        version = self.secrets[name].metadata.resource_version
        if secret.metadata.resource_version != version:
            raise kubernetes.client.exceptions.ApiException(status=409)
        self._put(name, secret.data, str(int(version) + 1))

    def entries(self, name: str) -> dict[str, bytes]:
        return {key: base64.b64decode(value) for key, value in self.secrets[name].data.items()}

    def _put(self, name: str, data: dict[str, str], version: str) -> None:
        metadata = kubernetes.client.V1ObjectMeta(name=name, resource_version=version)
        self.secrets[name] = kubernetes.client.V1Secret(metadata=metadata, data=data)

    @staticmethod
    def _encoded(entries: dict[str, bytes]) -> dict[str, str]:
        return {key: base64.b64encode(value).decode() for key, value in entries.items()}


def made(present: dict[str, bytes] | None = None) -> dict[str, bytes]:
    return missing_entries(present or {}, HOSTS, NOW)


def test_an_empty_installation_gets_all_it_needs() -> None:
    entries = made()
    assert set(PASSWORDS) < set(entries)
    passwords = [entries[name] for name in PASSWORDS]
    assert len(set(passwords)) == len(PASSWORDS)
    assert all(len(password) == 32 and password.isalnum() for password in passwords)


def test_what_is_there_is_neither_changed_nor_made_again() -> None:
    first = made()
    assert made(first) == {}
    kept = {name: value for name, value in first.items() if name != "mlflow-password"}
    assert set(made(kept)) == {"mlflow-password"}


def test_the_vaults_key_is_one_that_opens_it(tmp_path: Path) -> None:
    (tmp_path / "master-key").write_bytes(made()[MASTER_KEY])
    (key,) = KeyFile(tmp_path / "master-key").read()
    assert len(key) == 32


def test_users_are_known_by_the_hash_of_their_password() -> None:
    entries = made({"sql-analyst-password": b"of my own"})
    user, _, hashed = entries["sql-analyst-users"].decode().strip().partition(":")
    assert user == "analyst"
    assert "of my own" not in hashed
    assert hashed == passwords.hashed("of my own", base64.b64decode(hashed.split("$")[2]))


def test_the_certificate_is_for_all_hosts_and_signed_by_the_authority() -> None:
    keystore, authority_text = server_certificate(HOSTS, b"shut", NOW)
    authority = x509.load_pem_x509_certificate(authority_text)
    key, certificate, others = pkcs12.load_key_and_certificates(keystore, b"shut")
    assert key is not None
    assert certificate is not None
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == HOSTS
    public = authority.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify(certificate.signature, certificate.tbs_certificate_bytes, ec.ECDSA(SHA256()))
    assert others == [authority]
    assert certificate.not_valid_after_utc > NOW + timedelta(days=3600)


def test_a_keystore_opens_with_its_password_only() -> None:
    keystore, _ = server_certificate(HOSTS, b"shut", NOW)
    with pytest.raises(ValueError, match="password"):
        pkcs12.load_key_and_certificates(keystore, b"open")


def test_a_secret_is_made_once_and_only_added_to() -> None:
    cluster = Cluster()
    assert keep(cluster, "shop", "lake-secrets", lambda there: {"a": b"1"} if "a" not in there else {}) == ["a"]
    assert keep(cluster, "shop", "lake-secrets", lambda there: {"a": b"2"} if "a" not in there else {}) == []
    assert keep(cluster, "shop", "lake-secrets", lambda there: {"b": b"3"}) == ["b"]
    assert cluster.entries("lake-secrets") == {"a": b"1", "b": b"3"}


def test_of_two_that_make_it_at_once_the_second_takes_what_the_first_made() -> None:
    cluster = Cluster()
    cluster.interruption = {"a": b"of the first"}
    added = keep(cluster, "shop", "lake-secrets", lambda there: {n: b"x" for n in ("a", "b") if n not in there})
    assert added == ["b"]
    assert cluster.entries("lake-secrets") == {"a": b"of the first", "b": b"x"}
