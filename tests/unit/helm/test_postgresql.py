from __future__ import annotations

from tests.unit.helm.rendering import names, one, pod_of

EXTERNAL = {"postgresql": {"external": "db.example.org:6432"}, "secrets": {"existing": "passwords"}}


def test_each_part_has_a_database_that_only_its_role_reaches() -> None:
    rules = one("ConfigMap", "postgresql")["data"]["pg_hba.conf"].split("\n")
    assert [line for line in rules if line.startswith("host")] == [
        "host metastore metastore all scram-sha-256",
        "host mlflow mlflow all scram-sha-256",
        "host superset superset all scram-sha-256",
    ]
    assert [line for line in rules if line and not line.startswith("host")] == ["local all postgres trust"]


def test_a_part_that_is_off_has_no_database() -> None:
    values = {"superset": {"enabled": False}, "mlflow": {"external": "http://mlflow.example.org"}}
    (prepare,) = pod_of("StatefulSet", "postgresql", values)["initContainers"]
    assert prepare["args"] == ["metastore"]
    secret = next(one for one in pod_of("StatefulSet", "postgresql", values)["volumes"] if one["name"] == "secrets")
    assert [item["key"] for item in secret["secret"]["items"]] == ["postgresql-password", "metastore-password"]


def test_a_server_of_ones_own_takes_its_place() -> None:
    assert "postgresql" not in names("StatefulSet", EXTERNAL)
    (metastore,) = pod_of("Deployment", "metastore", EXTERNAL)["containers"]
    urls = [each["value"] for each in metastore["env"] if each["name"] == "METASTORE_DB_URL"]
    assert urls == ["jdbc:postgresql://db.example.org:6432/metastore"]
    (mlflow,) = pod_of("Deployment", "mlflow", EXTERNAL)["containers"]
    assert mlflow["args"][2:4] == ["db.example.org", "6432"]


def test_it_is_a_stateful_set_so_that_two_servers_never_share_a_folder() -> None:
    assert one("StatefulSet", "postgresql")["spec"]["replicas"] == 1
    assert "postgresql" not in names("Deployment")
