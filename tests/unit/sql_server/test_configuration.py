"""What bounds a server before a statement comes: its settings."""

from pathlib import Path

import pytest

from lakehouse.scratch import renew_scratch_folder
from lakehouse.settings import Settings, load_settings
from lakehouse.sql_server.configuration import Role, server_conf


def _conf(tmp_path: Path, role: Role, **given: object) -> tuple[Settings, dict[str, str]]:
    settings = load_settings(home=tmp_path, **given)
    renew_scratch_folder(settings)
    return settings, server_conf(settings, role, 10999, tmp_path / "ours.jar")


def test_java_listens_on_the_loopback_only_whatever_the_front_does(tmp_path: Path) -> None:
    _, conf = _conf(tmp_path, "analyst")
    assert conf["spark.hadoop.hive.server2.thrift.bind.host"] == "127.0.0.1"
    assert conf["spark.hadoop.hive.server2.thrift.port"] == "10999"


@pytest.mark.parametrize("role", ["analyst", "engineer"])
def test_our_parser_is_asked_before_deltas_and_nothing_of_the_environment_is_put_into_a_text(
    tmp_path: Path, role: Role
) -> None:
    _, conf = _conf(tmp_path, role)
    assert conf["spark.sql.extensions"].split(",")[-1] == "lakehouse.sql.Extension"
    assert conf["spark.sql.variable.substitute"] == "false"
    assert f"-Dlakehouse.sql.role={role}" in conf["spark.driver.extraJavaOptions"]


def test_with_a_users_file_a_password_is_asked_for(tmp_path: Path) -> None:
    _, without = _conf(tmp_path, "analyst")
    _, with_users = _conf(tmp_path, "analyst", sql_users_file=tmp_path / "users")
    assert without["spark.hadoop.hive.server2.authentication"] == "NONE"
    assert with_users["spark.hadoop.hive.server2.authentication"] == "CUSTOM"
    assert "lakehouse.sql.Passwords" in with_users["spark.driver.extraJavaOptions"]


def test_what_a_session_removes_as_it_is_closed_is_its_own(tmp_path: Path) -> None:
    _, conf = _conf(tmp_path, "analyst")
    assert conf["spark.hadoop.hive.downloaded.resources.dir"].endswith("/${hive.session.id}")


def test_an_analysts_server_has_no_folder_of_the_storage_to_write_in(tmp_path: Path) -> None:
    settings, conf = _conf(tmp_path, "analyst", storage="hdfs://namenode:8020/lake", metastore_uri="thrift://ms:9083")
    assert conf["spark.sql.warehouse.dir"].startswith(f"file://{settings.home}/spark-tmp/")
    assert conf["spark.sql.catalogImplementation"] == "in-memory"


def test_an_engineers_schemas_are_in_the_storage_and_in_the_metastore(tmp_path: Path) -> None:
    _, conf = _conf(tmp_path, "engineer", storage="hdfs://namenode:8020/lake", metastore_uri="thrift://ms:9083")
    assert conf["spark.sql.warehouse.dir"] == "hdfs://namenode:8020/lake/dev"
    assert conf["spark.hadoop.hive.metastore.uris"] == "thrift://ms:9083"
