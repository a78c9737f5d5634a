from __future__ import annotations

from tests.unit.helm.rendering import names, one, pod_of


def test_two_versions_never_serve_one_schema_at_once() -> None:
    assert one("Deployment", "metastore")["spec"]["strategy"] == {"type": "Recreate"}


def test_it_waits_for_its_database_and_the_folders() -> None:
    assert [each["name"] for each in pod_of("Deployment", "metastore")["initContainers"]] == [
        "wait-for-postgresql",
        "folders",
    ]


def test_the_password_is_a_file() -> None:
    (container,) = pod_of("Deployment", "metastore")["containers"]
    env = {each["name"]: each.get("value") for each in container["env"]}
    assert env["METASTORE_DB_PASSWORD_FILE"] == "/run/secrets/lakehouse/metastore-password"
    assert "METASTORE_DB_PASSWORD" not in env


def test_a_mariadb_of_ones_own_holds_the_catalogue() -> None:
    values = {
        "metastore": {"database": {"url": "jdbc:mariadb://db.example.org:3306/hive", "user": "hive"}},
        "secrets": {"existing": "passwords"},
    }
    (container,) = pod_of("Deployment", "metastore", values)["containers"]
    env = {each["name"]: each.get("value") for each in container["env"]}
    assert env["METASTORE_DB_URL"] == "jdbc:mariadb://db.example.org:3306/hive"
    assert env["METASTORE_DB_USER"] == "hive"
    (prepare,) = pod_of("StatefulSet", "postgresql", values)["initContainers"]
    assert prepare["args"] == ["mlflow", "superset"]


def test_one_elsewhere_takes_its_place() -> None:
    values = {"metastore": {"external": "thrift://hive.example.org:9083"}}
    assert "metastore" not in names("Deployment", values)
    (engineer,) = pod_of("Deployment", "sql-engineer", values)["containers"]
    env = {each["name"]: each.get("value") for each in engineer["env"]}
    assert env["LAKEHOUSE_METASTORE_URI"] == "thrift://hive.example.org:9083"
