from __future__ import annotations

from tests.unit.helm.rendering import names, one, pod_of


def test_runs_are_told_where_it_is() -> None:
    assert one("ConfigMap", "settings")["data"]["LAKEHOUSE_MLFLOW_TRACKING_URI"] == "http://lake-mlflow:5000"


def test_one_elsewhere_takes_its_place() -> None:
    values = {"mlflow": {"external": "https://mlflow.example.org"}}
    assert "mlflow" not in names("Deployment", values)
    settings = one("ConfigMap", "settings", values)["data"]
    assert settings["LAKEHOUSE_MLFLOW_TRACKING_URI"] == "https://mlflow.example.org"


def test_without_one_runs_record_in_their_home() -> None:
    values = {"mlflow": {"enabled": False}}
    assert "mlflow" not in names("Deployment", values)
    assert "LAKEHOUSE_MLFLOW_TRACKING_URI" not in one("ConfigMap", "settings", values)["data"]


def test_it_answers_to_its_own_names() -> None:
    (container,) = pod_of("Deployment", "mlflow", {"mlflow": {"hosts": ["mlflow.example.org"]}})["containers"]
    hosts = container["args"][container["args"].index("--allowed-hosts") + 1].split(",")
    assert {"lake-mlflow:5000", "lake-mlflow.shop.svc:*", "localhost:*", "mlflow.example.org"} <= set(hosts)


def test_models_are_on_a_volume_or_in_a_store() -> None:
    assert one("PersistentVolumeClaim", "mlflow")["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    values = {"mlflow": {"artifacts": {"destination": "s3://models/lake"}}}
    assert "mlflow" not in names("PersistentVolumeClaim", values)
    (container,) = pod_of("Deployment", "mlflow", values)["containers"]
    assert container["args"][container["args"].index("--artifacts-destination") + 1] == "s3://models/lake"
