"""Passwords, keys and certificates of an installation: made once inside the cluster, kept, added to when it grows.

`python -m lakehouse.cluster.secrets NAME --host HOST…` runs before an install and before an upgrade. It makes the
Secret NAME in the pod's own namespace, or adds what is missing in it; what is there is never changed. So no value, no
manifest and no release record (`helm get`) ever has a password in it, and an uninstalled lakehouse finds its own again.
"""

from __future__ import annotations

import argparse
import base64
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from lakehouse.privacy.master_key import new_key
from lakehouse.sql_server.passwords import users_line

NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
PASSWORDS = (
    "postgresql-password",
    "metastore-password",
    "mlflow-password",
    "superset-password",
    "superset-secret-key",
    "superset-admin-password",
    "sql-analyst-password",
    "sql-engineer-password",
    "sql-keystore-password",
)
SQL_ROLES = ("analyst", "engineer")
MASTER_KEY = "master-key"
"""It opens the vault of identifiers: whoever deletes it with no copy elsewhere has erased everybody."""
CERTIFICATE_DAYS = 3650
ATTEMPTS = 5


def missing_entries(present: Mapping[str, bytes], hosts: Sequence[str], now: datetime) -> dict[str, bytes]:
    """What an installation's secret lacks, newly made.

    Args:
        present: the entries that are there.
        hosts: DNS names that the SQL endpoints' certificate is for.
        now: when the certificate begins to be valid, UTC.

    Returns:
        Only new entries: passwords of 32 random letters and digits, `sql-ROLE-users` (a line `user:hash`),
        `sql-keystore.p12` with `sql-ca.crt`, the authority that signed its certificate; `master-key` of the vault
        (a line of base64).
    """
    made = {name: secrets.token_hex(16).encode() for name in PASSWORDS if name not in present}
    if MASTER_KEY not in present:
        made[MASTER_KEY] = base64.b64encode(new_key()) + b"\n"
    entries = {**present, **made}
    for role in SQL_ROLES:
        if f"sql-{role}-users" not in present:
            made[f"sql-{role}-users"] = f"{users_line(role, entries[f'sql-{role}-password'].decode())}\n".encode()
    if "sql-keystore.p12" not in present:
        keystore, authority = server_certificate(hosts, entries["sql-keystore-password"], now)
        made |= {"sql-keystore.p12": keystore, "sql-ca.crt": authority}
    return made


def server_certificate(hosts: Sequence[str], password: bytes, now: datetime) -> tuple[bytes, bytes]:
    """A key with a certificate for `hosts` (PKCS12, shut with `password`), and its authority's certificate (PEM).

    The authority's own key is thrown away: nobody can sign a second certificate.
    """
    authority_key, server_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lakehouse authority")])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0][:64])])

    def begun(name: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))  # clocks differ
            .not_valid_after(now + timedelta(days=CERTIFICATE_DAYS))
        )

    authority = (
        begun(issuer, authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    server = (
        begun(subject, server_key)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    keystore = pkcs12.serialize_key_and_certificates(
        b"sql", server_key, server, [authority], serialization.BestAvailableEncryption(password)
    )
    return keystore, authority.public_bytes(serialization.Encoding.PEM)


def keep(api: Any, namespace: str, name: str, entries: Callable[[Mapping[str, bytes]], dict[str, bytes]]) -> list[str]:
    """Make the secret, or add what `entries` finds missing in it; another who does the same at once loses nothing.

    Args:
        api: a `kubernetes.client.CoreV1Api`.
        entries: what to add to the entries that are there.

    Returns:
        Names of the entries that were added.
    """
    from kubernetes.client import V1ObjectMeta, V1Secret
    from kubernetes.client.exceptions import ApiException

    for attempt in range(ATTEMPTS):
        try:
            secret = api.read_namespaced_secret(name, namespace)
        except ApiException as error:
            if error.status != 404:
                raise
            labels = {"app.kubernetes.io/name": "lakehouse", "app.kubernetes.io/component": "secrets"}
            secret = V1Secret(metadata=V1ObjectMeta(name=name, labels=labels), data={})
        there = {key: base64.b64decode(value) for key, value in (secret.data or {}).items()}
        added = entries(there)
        if not added:
            return []
        secret.data = {key: base64.b64encode(value).decode() for key, value in {**there, **added}.items()}
        try:
            if secret.metadata.resource_version:
                # With the version that was read: the server refuses when another has written since.
                api.replace_namespaced_secret(name, namespace, secret)
            else:
                api.create_namespaced_secret(namespace, secret)
            return sorted(added)
        except ApiException as error:
            if error.status != 409 or attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("the last attempt returns or raises")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m lakehouse.cluster.secrets", description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--host", action="append", required=True, help="a DNS name of the SQL endpoints")
    given = parser.parse_args(arguments)

    from kubernetes import client, config

    config.load_incluster_config()
    namespace = NAMESPACE_FILE.read_text().strip()
    now = datetime.now(timezone.utc)
    added = keep(client.CoreV1Api(), namespace, given.name, lambda there: missing_entries(there, given.host, now))
    print(f"secret {given.name}: {'added ' + ', '.join(added) if added else 'has all it needs'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
