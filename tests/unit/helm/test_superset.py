from __future__ import annotations

from tests.unit.helm.rendering import names, one, pod_of, render


def test_its_database_is_ready_before_it_starts() -> None:
    assert [each["name"] for each in pod_of("Deployment", "superset")["initContainers"]] == [
        "wait-for-postgresql",
        "init",
    ]


def test_dashboards_are_imported_with_the_analysts_endpoint() -> None:
    (job,) = [each for each in render() if each["kind"] == "Job" and "dashboards" in each["metadata"]["name"]]
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["args"][:4] == ["lakehouse", "superset", "import", "http://lake-superset:8088"]
    assert [each for each in container["args"] if "lake-sql-analyst:10000/gold?tls=verify" in each]


def test_nothing_is_imported_without_an_endpoint_to_ask() -> None:
    values = {"sql": {"analyst": {"enabled": False}}}
    assert not [each for each in names("Job", values) if each.startswith("dashboards")]


def test_without_superset_nothing_of_it_is_left() -> None:
    values = {"superset": {"enabled": False}}
    assert not [each for each in render(values) if "superset" in each["metadata"]["name"]]
    assert "superset" not in one("ConfigMap", "postgresql", values)["data"]["pg_hba.conf"]
