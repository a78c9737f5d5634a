"""What `helm test` runs inside the cluster: each check uses one part as its users do, and undoes what it made.

`python -m lakehouse.cluster.checks storage|sql|mlflow|superset …` prints what it saw; exit code 1 and a
sentence when something is not as it should be.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import ssl
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from lakehouse.errors import LakehouseError
from lakehouse.settings import load_settings

ROWS = 1000
SQL_PORT = 10000
# What the analysts' user may see, tried as that user in a process of its own.
AS_ANALYST = """
import sys
import pyarrow.fs as pafs
from lakehouse.settings import load_settings
from lakehouse.storage import filesystem
files, root = filesystem(load_settings())
try:
    files.get_file_info(pafs.FileSelector(f"{root}/{sys.argv[1]}", recursive=True))
except Exception as error:
    print(f"refused: {error}")
    sys.exit(5)
"""
REFUSED = 5


class CheckFailed(LakehouseError):
    """A part does not do what it is there for; says which and what it did."""


def expect(is_so: bool, otherwise: str) -> None:
    """Raises: CheckFailed: it is not so."""
    if not is_so:
        raise CheckFailed(otherwise)


def check_storage() -> str:
    """A Delta table is written and read; the analysts' user sees gold and no other layer (in HDFS)."""
    import pyarrow as pa
    from deltalake import write_deltalake

    from lakehouse.storage import delta_table, filesystem

    settings = load_settings()
    name = f"ops.helm_test_{secrets.token_hex(4)}"
    rows = pa.table({"number": range(ROWS)})
    files, root = filesystem(settings)
    folder = f"{root}/tables/{name.replace('.', '/')}"
    try:
        for _ in range(2):
            write_deltalake(settings.table_uri(*name.split(".")), rows, mode="append")
        table = delta_table(settings, name)
        total = sum(table.to_pyarrow_table()["number"].to_pylist())
        expect(table.version() == 1, f"two commits made version {table.version()} of {name}, not 1")
        expect(total == ROWS * (ROWS - 1), f"the numbers of {name} sum up to {total}, not {ROWS * (ROWS - 1)}")
    finally:
        files.delete_dir(folder)
    said = f"{settings.storage}: two commits written and read"
    if not str(settings.storage).startswith("hdfs://"):
        return said
    layers = ("bronze", "silver", "gold", "ml", "ops")
    seen = {"vault": _as_analyst("vault"), **{layer: _as_analyst(f"tables/{layer}") for layer in layers}}
    expect(seen.pop("gold") == 0, "user analyst cannot read gold")
    readable = [layer for layer, code in seen.items() if code != REFUSED]
    expect(not readable, f"user analyst is not refused in {', '.join(readable)}")
    return f"{said}; user analyst reads gold and is refused in {', '.join(seen)}"


def _as_analyst(folder: str) -> int:
    environment = os.environ | {"HADOOP_USER_NAME": "analyst"}
    done = subprocess.run([sys.executable, "-c", AS_ANALYST, folder], env=environment, capture_output=True, text=True)
    expect(done.returncode in (0, REFUSED), f"reading {folder} as analyst: {done.stderr[-500:]}")
    return done.returncode


def check_sql(host: str, user: str, password_file: Path, authority: Path) -> str:
    """An endpoint answers over TLS that is verified, to the right password only."""
    password = password_file.read_text().strip()
    with cursor_over_tls(host, user, password, authority) as cursor:
        cursor.execute("select 40 + 2 as answer")
        answer = cursor.fetchall()
        expect(answer == [(42,)], f"{host}: 40 + 2 is {answer}")
        cursor.execute("show schemas")
        schemas = sorted(row[0] for row in cursor.fetchall())
    try:
        with cursor_over_tls(host, user, f"{password}x", authority) as cursor:
            cursor.execute("select 1")
    except Exception:
        return f"{host}: answers {user} over TLS, schemas {', '.join(schemas)}; a wrong password is refused"
    raise CheckFailed(f"{host} lets {user} in with a wrong password")


@contextlib.contextmanager
def cursor_over_tls(host: str, user: str, password: str, authority: Path) -> Iterator[Any]:
    """A cursor of PyHive's at an endpoint whose certificate `authority` signed."""
    from pyhive import hive
    from thrift.transport.TSSLSocket import TSSLSocket
    from thrift_sasl import TSaslClientTransport

    # PyHive alone encrypts without looking whose certificate it is.
    socket = TSSLSocket(host, SQL_PORT, ca_certs=str(authority), cert_reqs=ssl.CERT_REQUIRED)
    socket.setTimeout(120_000)

    def client() -> Any:
        return hive.get_installed_sasl(host=host, sasl_auth="PLAIN", service=None, username=user, password=password)

    connection = hive.connect(thrift_transport=TSaslClientTransport(client, "PLAIN", socket), username=user)
    try:
        yield connection.cursor()
    finally:
        connection.close()


def check_mlflow() -> str:
    """A run with a metric and an artefact is recorded and read back."""
    import mlflow

    settings = load_settings()
    client = mlflow.MlflowClient(settings.mlflow_uri)
    experiment = client.create_experiment(f"helm test {secrets.token_hex(4)}")
    try:
        run = client.create_run(experiment).info.run_id
        client.log_metric(run, "answer", 42.0)
        client.log_text(run, "kept", "said.txt")
        value = client.get_run(run).data.metrics.get("answer")
        expect(value == 42.0, f"the metric that was 42 is {value}")
        with tempfile.TemporaryDirectory() as folder:
            said = Path(client.download_artifacts(run, "said.txt", folder)).read_text()
        expect(said == "kept", f"the artefact says {said!r}")
    finally:
        client.delete_experiment(experiment)
    return f"{settings.mlflow_uri}: a metric and an artefact were kept"


def check_superset(url: str, password_file: Path, dashboards: int) -> str:
    """The administrator can log in, nobody else; so many dashboards are there."""
    login = {"username": "admin", "password": password_file.read_text().strip(), "provider": "db", "refresh": False}
    status, told = _ask(f"{url}/api/v1/security/login", login | {"password": "wrong"})
    expect(status == 401, f"{url} answers a wrong password with {status}")
    status, told = _ask(f"{url}/api/v1/security/login", login)
    expect(status == 200, f"{url} answers the administrator's password with {status}: {told}")
    status, listed = _ask(f"{url}/api/v1/dashboard/", token=told["access_token"])
    expect(status == 200, f"{url} lists no dashboards: {status}")
    expect(listed["count"] >= dashboards, f"{url} has {listed['count']} dashboards, not {dashboards}")
    return f"{url}: {listed['count']} dashboards; a wrong password is refused"


def _ask(url: str, body: dict[str, Any] | None = None, token: str | None = None) -> tuple[int, Any]:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m lakehouse.cluster.checks", description=__doc__)
    parts = parser.add_subparsers(dest="part", required=True)
    parts.add_parser("storage")
    parts.add_parser("mlflow")
    sql = parts.add_parser("sql")
    sql.add_argument("host")
    sql.add_argument("user")
    sql.add_argument("password_file", type=Path)
    sql.add_argument("authority", type=Path)
    superset = parts.add_parser("superset")
    superset.add_argument("url")
    superset.add_argument("password_file", type=Path)
    superset.add_argument("dashboards", type=int)
    given = vars(parser.parse_args(arguments))
    checks: dict[str, Callable[..., str]] = {
        "storage": check_storage,
        "sql": check_sql,
        "mlflow": check_mlflow,
        "superset": check_superset,
    }
    try:
        print(checks[given.pop("part")](**given))
    except LakehouseError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
