from __future__ import annotations

from lakehouse.cli.faults import explain
from lakehouse.errors import LakehouseError

NAMENODES = (
    "org.apache.hadoop.ipc.RemoteException(java.io.IOException): File /lakehouse/tables/silver/orders/part-0.parquet "
    "could only be written to 0 of the 1 minReplication nodes. There are 2 datanode(s) running and 2 node(s) are "
    "excluded in this operation."
)


def test_a_full_hdfs_is_told_in_one_sentence_whoever_met_it() -> None:
    for error in (RuntimeError(NAMENODES), OSError(NAMENODES), LakehouseError(f"dbt model orders failed: {NAMENODES}")):
        sentence, exit_code = explain(error)
        assert sentence.startswith("no DataNode of HDFS takes a block: their volumes have no room")
        assert exit_code == 1
    assert "HDFS" not in explain(RuntimeError("File a could only be written once"))[0]
