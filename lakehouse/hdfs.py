"""HDFS as Arrow wants a file system: with the times of files, and moves that put a file in the place of another."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from hdfs_native.fsspec import HdfsFileSystem


class Hdfs(HdfsFileSystem):
    """What hdfs-native tells, and what Arrow looks for besides."""

    def _convert_file_status(self, file_status: Any) -> dict[str, Any]:
        told: dict[str, Any] = super()._convert_file_status(file_status)
        return {**told, "mtime": datetime.fromtimestamp(file_status.modification_time / 1000, timezone.utc)}

    def mv(self, path1: str, path2: str, **kwargs: Any) -> None:
        """Move a file in one step; the one that is there is replaced."""
        super().mv(path1, path2, **{"overwrite": True, **kwargs})
