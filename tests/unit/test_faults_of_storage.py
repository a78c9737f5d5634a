from __future__ import annotations

from lakehouse.cli.faults import explain
from lakehouse.errors import TRY_AGAIN, LakehouseError

REFUSED = "Connection refused (os error 111)"
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


def test_a_lost_node_of_hdfs_is_worth_another_try_and_a_lost_file_is_not() -> None:
    lost = (
        "Failed to parse parquet: External: Generic HdfsObjectStore error: IO error occurred while communicating with "
        "HDFS: No route to host (os error 113)"
    )
    sentence, exit_code = explain(RuntimeError(lost))
    assert exit_code == TRY_AGAIN
    assert sentence.startswith("a node of HDFS was lost (No route to host (os error 113)); run again, it continues")
    of_the_kernel = (
        "Kernel error -> Generic HdfsObjectStore error\n"
        "  \x1b[31m↳\x1b[0m IO error occurred while communicating with HDFS\n"
        "  \x1b[31m↳\x1b[0m Connection refused (os error 111)\n"
    )
    assert explain(RuntimeError(of_the_kernel)) == (
        sentence.replace("No route to host (os error 113)", REFUSED),
        TRY_AGAIN,
    )
    assert explain(OSError("IO error occurred while communicating with HDFS: Connection refused"))[1] == TRY_AGAIN
    assert explain(RuntimeError("Generic HdfsObjectStore error: no file a.parquet"))[1] == 1
