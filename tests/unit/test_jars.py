"""Jars are what the lock says, or the doctor says which is not."""

from pathlib import Path

from lakehouse.jars import Jar, faulty_jars, locked_jars

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_the_lock_names_delta_the_databases_drivers_spark_nlp_and_no_host() -> None:
    artifacts = [jar.artifact for jar in locked_jars()]
    assert artifacts[:4] == ["delta-spark_2.12", "delta-storage", "postgresql", "mariadb-java-client"]
    assert artifacts[4:6] == ["spark-nlp_2.12", "config"]
    assert {name.split("-java")[0] for name in artifacts[6:]} == {"aws", "jmespath"}
    assert all(len(jar.sha256) == 64 for jar in locked_jars())


def test_a_missing_and_a_changed_jar_are_faults_and_a_right_one_is_none(tmp_path: Path) -> None:
    right, changed, missing = (Jar("org", name, "1", EMPTY) for name in ("right", "changed", "missing"))
    (tmp_path / "right-1.jar").write_bytes(b"")
    (tmp_path / "changed-1.jar").write_bytes(b"x")
    faults = {jar.artifact: fault for jar, fault in faulty_jars(tmp_path, [right, changed, missing])}
    assert faults == {"changed": "its SHA-256 is not the one in jars.lock", "missing": "missing"}
