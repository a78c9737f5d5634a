"""Secrets are made in the cluster; nothing that Helm keeps has one in it."""

from __future__ import annotations

from tests.unit.helm.rendering import names, one, render


def test_no_manifest_has_a_secret_in_it() -> None:
    assert names("Secret") == set()


def test_they_are_made_before_everything_else_and_the_maker_leaves() -> None:
    for kind in ("ServiceAccount", "Role", "RoleBinding", "Job"):
        annotations = one(kind, "secrets")["metadata"]["annotations"]
        assert annotations["helm.sh/hook"] == "pre-install,pre-upgrade"
        assert annotations["helm.sh/hook-delete-policy"] == "before-hook-creation,hook-succeeded"
    weights = [int(one(kind, "secrets")["metadata"]["annotations"]["helm.sh/hook-weight"]) for kind in ("Role", "Job")]
    assert weights == sorted(weights)
    assert weights[0] < weights[1]


def test_the_maker_reads_and_changes_one_secret() -> None:
    named, create = one("Role", "secrets")["rules"]
    assert (named["resourceNames"], named["verbs"]) == (["lake-secrets"], ["get", "update"])
    assert create["verbs"] == ["create"]


def test_the_certificate_is_for_every_name_of_both_endpoints() -> None:
    values = {"sql": {"hosts": ["sql.example.org"]}}
    (container,) = one("Job", "secrets", values)["spec"]["template"]["spec"]["containers"]
    hosts = {each.removeprefix("--host=") for each in container["args"] if each.startswith("--host=")}
    assert {"lake-sql-analyst", "lake-sql-engineer.shop.svc.cluster.local", "localhost", "sql.example.org"} <= hosts


def test_ones_own_secret_takes_its_place() -> None:
    values = {"secrets": {"existing": "passwords"}}
    assert "secrets" not in names("Job", values)
    used = {
        volume["secret"]["secretName"]
        for each in render(values)
        if each["kind"] in ("Deployment", "StatefulSet")
        for volume in each["spec"]["template"]["spec"]["volumes"]
        if "secret" in volume
    }
    assert used == {"passwords"}
