"""What a company has outside of the chart: an object store, a PostgreSQL with databases and roles, a MariaDB."""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import socket
import subprocess
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone

import pytest

from lakehouse import __version__
from lakehouse.cluster.secrets import missing_entries
from lakehouse.settings import load_settings
from tests.cluster.conftest import _stages
from tests.cluster.installation import SMALL, Installation
from tests.cluster_programs import CHART, program
from tests.integration.databases.servers import Server, mariadb_is_installed, start_mariadb

BUCKET, FOLDER = "lake", "marketing"
STORE_VARIABLES = ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
ENTRIES = {"access-key-id": "AccessKeyId", "secret-access-key": "SecretAccessKey", "session-token": "SessionToken"}
"""Of a Secret with keys of the store: what the store calls them."""
DATABASES = ("metastore", "mlflow", "superset")
# A server as a company would have it; each role owns the database of its name.
START = """
set -e
initdb --pgdata=/tmp/data --username=postgres --auth=trust > /dev/null
echo 'host all all all scram-sha-256' >> /tmp/data/pg_hba.conf
pg_ctl --pgdata=/tmp/data --options='-c unix_socket_directories=/tmp' --wait start > /dev/null
for name in {databases}; do
    password=$(cat "/run/secrets/all/$name-password")
    psql --username=postgres --quiet --command="create role $name login password '$password'"
    createdb --username=postgres --owner="$name" "$name"
done
pg_ctl --pgdata=/tmp/data --wait stop > /dev/null
exec postgres -D /tmp/data --listen_addresses='*' --unix_socket_directories=/tmp
"""


@pytest.fixture(scope="session")
def store() -> dict[str, str]:
    """Address, region and keys of an S3 store with an empty bucket `lake`.

    That of the variables AWS_ENDPOINT_URL …, else one that the folder LAKEHOUSE_CLUSTER_DIR can start.
    """
    if all(name in os.environ for name in STORE_VARIABLES):
        return {name: os.environ[name] for name in STORE_VARIABLES}
    program = load_settings().cluster_dir / "cluster"
    if not program.exists():
        pytest.skip(f"no object store: set {', '.join(STORE_VARIABLES)} of one with an empty bucket {BUCKET}")
    subprocess.run([str(program), "s3", "down"], capture_output=True)
    started = subprocess.run([str(program), "s3", "up", BUCKET], capture_output=True, text=True)
    assert started.returncode == 0, started.stdout + started.stderr
    return dict(re.findall(r"(AWS_\w+)=(\S+)", started.stdout))


@pytest.fixture(scope="session")
def roles_keys(store: dict[str, str]) -> dict[str, dict[str, bytes]]:
    """Entries of a Secret for each role: keys of the store that the chart's policy for it bounds.

    Empty where the store makes no temporary keys for who asks (a MinIO does).
    """
    import boto3
    from botocore.exceptions import ClientError

    tokens = boto3.client(
        "sts",
        endpoint_url=store["AWS_ENDPOINT_URL"],
        region_name=store["AWS_REGION"],
        aws_access_key_id=store["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=store["AWS_SECRET_ACCESS_KEY"],
    )
    made = {}
    for role in ("analyst", "engineer"):
        policy = (CHART / "policies" / f"{role}.json").read_text().replace("BUCKET", BUCKET).replace("FOLDER", FOLDER)
        try:
            told = tokens.assume_role(
                RoleArn="arn:xxx:xxx:xxx:xxxx", RoleSessionName=role, Policy=policy, DurationSeconds=4 * 3600
            )["Credentials"]
        except ClientError:
            return {}
        made[role] = {name: told[theirs].encode() for name, theirs in ENTRIES.items()}
    return made


@pytest.fixture(scope="session")
def metastore_password() -> str:
    return secrets.token_hex(16)


@pytest.fixture(scope="session")
def mariadb(metastore_password: str) -> Iterator[Server | None]:
    """A MariaDB of this machine with an empty database and a role `metastore`; None where it is not installed."""
    if not mariadb_is_installed():
        yield None
        return
    server = start_mariadb(("--bind-address=0.0.0.0",))
    server.run(
        f"create user metastore identified by '{metastore_password}'; create database metastore;"
        " grant all on metastore.* to metastore"
    )
    yield server
    server.stop()


def _own_address() -> str:
    """Of this machine, towards the cluster."""
    shown = subprocess.run(
        [*(program("kubectl") or ()), "get", "nodes", "--output=jsonpath={.items[0].status.addresses[0].address}"],
        capture_output=True,
        text=True,
        check=True,
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as towards:
        towards.connect((shown.stdout, 9))
        address: str = towards.getsockname()[0]
        return address


@pytest.fixture(scope="session")
def installed(
    store: dict[str, str],
    roles_keys: dict[str, dict[str, bytes]],
    mariadb: Server | None,
    metastore_password: str,
) -> Iterator[Installation]:
    """The chart with storage, databases, models' artefacts and event logs outside of it, and a history server.

    The metastore's database is in the MariaDB, where there is one, else in the PostgreSQL. Each SQL endpoint has keys
    of its own, where there are some.
    """
    release = Installation("lakehouse-outward")
    release.stages = _stages
    release.bring_images()
    with release.stage("helm install, until everything is ready"):
        release.make_namespace()
        _secret(release, "store", {"access-key-id": store["AWS_ACCESS_KEY_ID"].encode(), **_key(store)})
        for role, entries in roles_keys.items():
            _secret(release, f"store-{role}", entries)
        known = {"metastore-password": metastore_password.encode()}
        _secret(release, "passwords", known | missing_entries(known, _hosts(release), datetime.now(timezone.utc)))
        release.kubectl("create", "--filename=-", given=json.dumps(_postgresql()))
        release.kubectl("wait", "--for=condition=Ready", "pod/database", "--timeout=180s")
        release.upgrade(_values(store, roles_keys, mariadb), "install")
    yield release
    if os.environ.get("TEST_KEEP") != "yes":
        release.remove()


def _key(store: dict[str, str]) -> dict[str, bytes]:
    return {"secret-access-key": store["AWS_SECRET_ACCESS_KEY"].encode()}


def _hosts(release: Installation) -> list[str]:
    names = [f"{release.release}-sql-{role}" for role in ("analyst", "engineer")]
    return [*names, *(f"{name}.{release.namespace}.svc" for name in names), "localhost"]


def _values(store: dict[str, str], roles: Iterable[str], mariadb: Server | None) -> dict[str, object]:
    metastore = "" if mariadb is None else f"jdbc:mariadb://{_own_address()}:{mariadb.port}/metastore"
    s3 = {"endpoint": store["AWS_ENDPOINT_URL"], "region": store["AWS_REGION"], "secret": "store"}
    return {
        "settings": SMALL,
        "storage": {"external": f"s3a://{BUCKET}/{FOLDER}", "s3": s3},
        "postgresql": {"external": "database:5432"},
        "metastore": {"database": {"url": metastore}},
        "secrets": {"existing": "passwords"},
        "mlflow": {"artifacts": {"destination": f"s3://{BUCKET}/models"}},
        "history": {"enabled": True},
        "sql": {role: {"s3Secret": f"store-{role}"} for role in roles},
    }


def _secret(release: Installation, name: str, entries: dict[str, bytes]) -> None:
    data = {key: base64.b64encode(value).decode() for key, value in entries.items()}
    made = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": data}
    release.kubectl("create", "--filename=-", given=json.dumps(made))


def _postgresql() -> dict[str, object]:
    container = {
        "name": "postgresql",
        "image": f"{os.environ.get('IMAGE', 'lakehouse')}-postgresql:{__version__}",
        "imagePullPolicy": "IfNotPresent",
        "command": ["bash", "-c", START.format(databases=" ".join(DATABASES))],
        "readinessProbe": {"exec": {"command": ["pg_isready", "--host=127.0.0.1"]}, "periodSeconds": 2},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "all", "mountPath": "/run/secrets/all", "readOnly": True}],
    }
    pod = {
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [{"name": "all", "secret": {"secretName": "passwords"}}],
    }
    metadata = {"name": "database", "labels": {"app": "database"}}
    service = {"selector": {"app": "database"}, "ports": [{"port": 5432}]}
    return {
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod},
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "database"}, "spec": service},
        ],
    }
