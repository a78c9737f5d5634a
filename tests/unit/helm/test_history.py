from __future__ import annotations

from tests.unit.helm.rendering import names, pod_of


def test_it_is_there_only_when_wanted() -> None:
    assert "history" not in names("Deployment")
    (container,) = pod_of("Deployment", "history", {"history": {"enabled": True}})["containers"]
    assert container["args"][-1] == "hdfs://lake-namenode.shop.svc:8020/lakehouse/spark-logs"
