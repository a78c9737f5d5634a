from __future__ import annotations

import json

from tests.unit.helm.rendering import CHART, names, one, pod_of


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


def test_an_endpoint_may_have_keys_of_the_store_of_its_own() -> None:
    values = {
        "storage": {"external": "s3a://lake/marketing", "s3": {"secret": "all"}},
        "sql": {"analyst": {"s3Secret": "gold-only"}},
    }
    for role, secret in (("analyst", "gold-only"), ("engineer", "all")):
        (container,) = pod_of("Deployment", f"sql-{role}", values)["containers"]
        keys = {one["name"]: one["valueFrom"]["secretKeyRef"] for one in container["env"] if "valueFrom" in one}
        assert keys == {
            "AWS_ACCESS_KEY_ID": {"name": secret, "key": "access-key-id"},
            "AWS_SECRET_ACCESS_KEY": {"name": secret, "key": "secret-access-key"},
            "AWS_SESSION_TOKEN": {"name": secret, "key": "session-token", "optional": True},
        }


def test_policies_open_gold_to_analysts_and_the_vault_to_nobody() -> None:
    opened = {}
    for role in ("analyst", "engineer"):
        policy = json.loads((CHART / "policies" / f"{role}.json").read_text())
        told = [one for one in policy["Statement"] if "s3:GetObject" in one["Action"]]
        opened[role] = {place for one in told for place in one["Resource"]}
    assert opened["analyst"] == {f"arn:aws:s3:::BUCKET/FOLDER/{name}" for name in ("tables/gold/*", "published.json")}
    assert not any("vault" in place or place.endswith("FOLDER/*") for place in opened["engineer"])
