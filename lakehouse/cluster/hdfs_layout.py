"""The folders of an HDFS and who may read them: what BI reads is bounded here, not by good will.

`python -m lakehouse.cluster.hdfs_layout` (the image's role `hdfs-layout`), as HDFS's superuser, once its NameNode is
out of safe mode and a DataNode takes blocks; any number of times. A folder closed to others closes what is below it, so
files may have whatever mode their writers give them.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from uuid import uuid4

from hdfs_native import Client

ATTEMPTS, SECONDS_BETWEEN = 90, 2.0


@dataclass(frozen=True)
class Folder:
    """A folder below the root of the lakehouse, `""` for the root itself, with its owner, group and mode."""

    path: str
    mode: int
    owner: str = "lakehouse"
    group: str = "lakehouse"


LAYOUT = (
    Folder("", 0o755),
    Folder("tables", 0o755),
    *(Folder(f"tables/{schema}", 0o750) for schema in ("bronze", "silver", "ml", "ops")),
    Folder("tables/gold", 0o750, group="analysts"),
    Folder("vault", 0o700),
    Folder("exchange", 0o700),
    Folder("spark-logs", 0o1770),
    Folder("warehouse", 0o770),
    Folder("dev", 0o770, owner="engineer"),
)


def lay_out(client: Client, root: str) -> None:
    """Make the folders that are missing; owners, groups and modes are set anew.

    Args:
        client: as HDFS's superuser.
        root: the folder of the lakehouse, as `/lakehouse`.
    """
    for folder in LAYOUT:
        path = f"{root}/{folder.path}".rstrip("/")
        client.mkdirs(path, 0o755, True)
        client.set_owner(path, folder.owner, folder.group)
        client.set_permission(path, folder.mode)


def await_hdfs(client: Client, attempts: int = ATTEMPTS) -> None:
    """Return once a file can be written; it is removed again.

    Raises:
        TimeoutError: it cannot after so many attempts, with what HDFS said to the last.
    """
    for attempt in range(attempts):
        # Another name each time: what an attempt began and could not end is in the way of the next, and of other pods.
        path = f"/.ready-{uuid4().hex}"
        try:
            with client.create(path) as file:
                file.write(b"ready")
            client.delete(path, False)
            return
        except Exception as error:  # not up, in safe mode, or without a DataNode yet
            with suppress(Exception):
                client.delete(path, False)
            if attempt == attempts - 1:
                raise TimeoutError(f"HDFS takes no file: {str(error).splitlines()[0]}") from None
            time.sleep(SECONDS_BETWEEN)


def main() -> None:
    """Wait, then lay out."""
    address, root = os.environ["NAMENODE_ADDRESS"], os.environ.get("LAYOUT_ROOT", "/lakehouse")
    client = Client(f"hdfs://{address}")
    try:
        await_hdfs(client)
    except TimeoutError as fault:
        sys.exit(f"error: {fault}; NameNode {address}")
    lay_out(client, root)
    print(f"hdfs: {len(LAYOUT)} folders below {root} are as they should be")


if __name__ == "__main__":
    main()
