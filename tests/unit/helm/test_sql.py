from __future__ import annotations

from tests.unit.helm.rendering import names, one, pod_of


def environment(role: str) -> dict[str, str]:
    (container,) = pod_of("Deployment", f"sql-{role}")["containers"]
    return {each["name"]: each.get("value", "") for each in container["env"]}


def test_each_endpoint_is_a_user_of_the_storage_by_its_role() -> None:
    assert environment("analyst")["HADOOP_USER_NAME"] == "analyst"
    assert environment("engineer")["HADOOP_USER_NAME"] == "engineer"


def test_only_engineers_have_the_metastore() -> None:
    assert "LAKEHOUSE_METASTORE_URI" not in environment("analyst")
    assert environment("engineer")["LAKEHOUSE_METASTORE_URI"] == "thrift://lake-metastore.shop.svc:9083"


def test_an_endpoint_has_its_own_users_and_no_password() -> None:
    volume = next(each for each in pod_of("Deployment", "sql-analyst")["volumes"] if each["name"] == "secrets")
    assert {item["key"] for item in volume["secret"]["items"]} == {
        "sql-keystore.p12",
        "sql-keystore-password",
        "sql-analyst-users",
    }


def test_a_secret_of_ones_own_names_the_users() -> None:
    values = {"sql": {"engineer": {"usersSecret": "dbt-people"}}}
    spec = pod_of("Deployment", "sql-engineer", values)
    env = {each["name"]: each.get("value") for each in spec["containers"][0]["env"]}
    assert env["LAKEHOUSE_SQL_USERS_FILE"] == "/run/secrets/sql-users/users"
    assert {"name": "users", "secret": {"secretName": "dbt-people", "defaultMode": 0o440}} in spec["volumes"]


def test_a_new_server_is_warm_before_the_old_one_goes() -> None:
    assert one("Deployment", "sql-analyst")["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}


def test_two_pods_have_a_disruption_budget() -> None:
    assert "sql-analyst" not in names("PodDisruptionBudget")
    assert "sql-analyst" in names("PodDisruptionBudget", {"sql": {"analyst": {"replicas": 2}}})


def test_an_endpoint_can_be_left_out() -> None:
    assert names("Deployment") - names("Deployment", {"sql": {"engineer": {"enabled": False}}}) == {"sql-engineer"}
