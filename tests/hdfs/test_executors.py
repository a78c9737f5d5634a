"""Spark's executors in processes of their own, with nothing but HDFS between them and the run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import hdfs_native
import pytest

from lakehouse.settings import load_settings
from tests.hdfs.server import HdfsServer, is_installed

pytestmark = pytest.mark.skipif(
    not is_installed(load_settings()), reason="no HDFS server here: .venv/bin/python -m lakehouse.jars hdfs"
)
HAND_OVER = """
import json
import pyarrow.parquet as pq
from lakehouse import storage
from lakehouse.session import open_session
from lakehouse.settings import load_settings

settings = load_settings()
spark = open_session(settings)
folder = storage.exchange_folder(settings, "aside")
spark.range(1000).repartition(4).write.parquet(folder)
spark.sql(f"create table aside using parquet location '{folder}/named' as select id from range(1000)")
spark.range(1000).write.format("delta").saveAsTable("gold.numbers")
files, path = storage.file_system_of(settings, folder)
read = sum(pq.read_table(one.path, filesystem=files).num_rows
           for one in files.get_file_info(storage.pafs.FileSelector(path)) if one.path.endswith(".parquet"))
asked = spark.sql("select count(*) as n from gold.numbers join aside using (id)").head()["n"]
application = spark.sparkContext.applicationId
storage.remove_exchange_folder(settings, "aside")
root = storage.filesystem(settings)[1]
left = [one.base_name for one in files.get_file_info(storage.pafs.FileSelector(f"{root}/exchange"))]
print(json.dumps({"read": read, "asked": asked, "application": application, "left": left}))
"""


def test_what_executors_write_the_run_reads_and_their_log_is_beside_the_tables(tmp_path: Path) -> None:
    server = HdfsServer(load_settings())
    try:
        environment = {
            **os.environ,
            "LAKEHOUSE_HOME": str(tmp_path / "home"),
            "LAKEHOUSE_STORAGE": f"{server.address}/lake",
            "LAKEHOUSE_SPARK_MASTER": "local-cluster[2,1,1024]",
            "LAKEHOUSE_HDFS_REPLICATION": "1",
        }
        command = [sys.executable, "-c", HAND_OVER]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr[-2000:]
        logs = [
            Path(one.path).name for one in hdfs_native.Client(server.address).list_status("/lake/spark-logs", False)
        ]
    finally:
        server.stop()
    told = json.loads(ended.stdout.splitlines()[-1])
    assert (told["read"], told["asked"]) == (1000, 1000)
    assert logs == [f"{told['application']}.zstd"]  # whole, not .inprogress
    assert told["left"] == []
