"""Where the tables are: folders below the home, or, by its address, a distributed file system or an object store.

`storage = "hdfs://namenode:8020/lakehouse"` puts every table and the pointer to what is published there; whatever else
a home has (locks, journals, what was built from what, models, reports) stays in the home. delta-rs and Sail read and
write HDFS and S3 themselves, without Java; this module does the little that is no table.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from functools import lru_cache
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs
from deltalake import DeltaTable

from lakehouse.atomic_file import replace_file
from lakehouse.cluster.lease import confirm_held
from lakehouse.errors import LakehouseError
from lakehouse.scratch import scratch_folder
from lakehouse.settings import Settings

LOG = "_delta_log"
EXCHANGE = "exchange"


def delta_table(settings: Settings, name: str, version: int | None = None) -> DeltaTable:
    """The Delta table `schema.table`, as it is now or as it was.

    Raises:
        deltalake.exceptions.TableNotFoundError: there is none.
    """
    return DeltaTable(settings.table_uri(*name.split(".")), version=version)


def read_calmly(
    table: DeltaTable, columns: list[str] | None = None, condition: pc.Expression | None = None
) -> pa.Table:
    """A table's rows, read without threads: for what may be the last that a process does.

    Arrow's threads, still at work when Python ends, abort it: 16 of 40 processes that read a small table and ended.
    """
    return table.to_pyarrow_dataset().to_table(columns=columns, filter=condition, use_threads=False)


def find_table(settings: Settings, name: str) -> DeltaTable | None:
    """The Delta table `schema.table` as it is now; None where there is none."""
    return delta_table(settings, name) if has_table(settings, name) else None


def has_table(settings: Settings, name: str) -> bool:
    """Whether there is a table `schema.table`."""
    files, folder = folder_of(settings, name)
    return files.get_file_info(f"{folder}/{LOG}").type == pafs.FileType.Directory


def changed_at(settings: Settings, name: str) -> int | None:
    """When the log of a table had its last new file, in nanoseconds; None where there is no table."""
    files, folder = folder_of(settings, name)
    log = files.get_file_info(f"{folder}/{LOG}")
    if log.type != pafs.FileType.Directory:
        return None
    if settings.storage is None:  # a folder's own time is that of its last new file
        return int(log.mtime_ns)
    entries = files.get_file_info(pafs.FileSelector(log.path))
    return max((entry.mtime_ns for entry in entries if entry.mtime_ns is not None), default=0)


def folder_of(settings: Settings, name: str) -> tuple[pafs.FileSystem, str]:
    """The file system that a table is in, and the path of its folder in there."""
    files, root = filesystem(settings)
    schema, _, table = name.partition(".")
    return files, f"{root}/{'vault' if schema == 'vault' else f'tables/{schema}'}/{table}"


def sizes(settings: Settings, name: str, paths: Sequence[str]) -> list[int]:
    """Bytes of those files of a table that are there, by their paths as its log has them."""
    files, folder = folder_of(settings, name)
    found = files.get_file_info([f"{folder}/{unquote(path)}" for path in paths])
    return [entry.size for entry in found if entry.type == pafs.FileType.File]


def list_tables(settings: Settings) -> list[tuple[str, str]]:
    """`(schema, table)` of every Delta table, sorted."""
    return sorted(_folders(settings, lambda names: LOG in names))


def remove_unborn_tables(settings: Settings) -> list[str]:
    """Remove what a kill left of tables that never had a commit: files nobody can read, in the way of the next write.

    Returns:
        Their names, `schema.table`.
    """
    removed = []
    for schema, table in sorted(_folders(settings, lambda names: True)):
        files, folder = folder_of(settings, f"{schema}.{table}")
        log = pafs.FileSelector(f"{folder}/{LOG}", allow_not_found=True)
        if not any(entry.extension == "json" for entry in files.get_file_info(log)):
            files.delete_dir(folder)
            removed.append(f"{schema}.{table}")
    return removed


def read_text(settings: Settings, name: str) -> str | None:
    """A file beside the tables; None where there is none."""
    if settings.storage is None:
        try:
            return (settings.home / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
    files, root = filesystem(settings)
    if files.get_file_info(f"{root}/{name}").type == pafs.FileType.NotFound:
        return None
    with files.open_input_stream(f"{root}/{name}") as stream:
        return bytes(stream.read()).decode()


def replace_text(settings: Settings, name: str, text: str) -> None:
    """Write a file beside the tables so that a reader finds the old one or the new one.

    Raises:
        LakehouseError: this process may not write any more: another took the Lease over.
    """
    confirm_held()
    if settings.storage is None:
        replace_file(settings.home / name, text)
        return
    files, root = filesystem(settings)
    scheme = urlsplit(settings.storage).scheme
    written = f"{root}/{name}" if scheme.startswith("s3") else f"{root}/{name}.{os.getpid()}.tmp"
    files.create_dir(root, recursive=True)
    with files.open_output_stream(written) as stream:
        stream.write(text.encode())
    if written.endswith(".tmp"):  # an object of a store is there whole or not at all; a file is moved into its place
        files.move(written, f"{root}/{name}")


def exchange_folder(settings: Settings, name: str) -> str:
    """Path or address of a folder for files that Spark's executors and this process hand each other, emptied.

    Beside the tables where executors are elsewhere, for they read nothing of this machine; else in this process's
    scratch folder. Tables have one writer at a time, so what is found there was left by one that was killed. It is
    below a folder of its own, which whoever set up the storage may close to others: rows of all layers pass through it.
    """
    remove_exchange_folder(settings, name)
    if settings.has_executors_elsewhere:
        return f"{settings.storage or settings.home}/{EXCHANGE}/{name}/{scratch_folder(settings).name}"
    return str(scratch_folder(settings) / name)


def remove_exchange_folder(settings: Settings, name: str) -> None:
    """Remove it and what is in it, where it is there."""
    if not settings.has_executors_elsewhere:
        shutil.rmtree(scratch_folder(settings) / name, ignore_errors=True)
        return
    files, root = filesystem(settings)
    folder = f"{root}/{EXCHANGE}/{name}"
    if files.get_file_info(folder).type != pafs.FileType.NotFound:
        files.delete_dir(folder)


def file_system_of(settings: Settings, address: str) -> tuple[pafs.FileSystem, str]:
    """The file system of a path or of an address in the storage, and its path in there."""
    if "://" not in address:
        return pafs.LocalFileSystem(), address
    files, root = filesystem(settings)
    return files, f"{root}{address.removeprefix(str(settings.storage))}"


def filesystem(settings: Settings) -> tuple[pafs.FileSystem, str]:
    """The file system that the storage is in, and the path of its root in there."""
    if settings.storage is None:
        return pafs.LocalFileSystem(), str(settings.home)
    return _filesystem_at(settings.storage)


@lru_cache(maxsize=4)
def _filesystem_at(address: str) -> tuple[pafs.FileSystem, str]:
    parts = urlsplit(address)
    if parts.scheme == "hdfs":
        from lakehouse.hdfs import Hdfs

        found = Hdfs(host=parts.hostname, port=parts.port)
        return pafs.PyFileSystem(pafs.FSSpecHandler(found)), parts.path.rstrip("/")
    if parts.scheme in ("s3", "s3a"):
        end = os.environ.get("AWS_ENDPOINT_URL")
        given = urlsplit(end) if end else None
        store = pafs.S3FileSystem(
            endpoint_override=given.netloc if given else None,
            scheme=given.scheme if given else "https",
            region=os.environ.get("AWS_REGION"),
        )
        return store, f"{parts.netloc}{parts.path}".rstrip("/")
    raise LakehouseError(f"storage {address!r} is neither hdfs:// nor s3://")


def _folders(settings: Settings, is_wanted: Callable[[set[str]], bool]) -> list[tuple[str, str]]:
    """`(schema, table)` of the folders in which names are that one wants."""
    if settings.storage is None:
        folders = [path for path in (settings.home / "tables").glob("*/*") if path.is_dir()]
        return [(path.parent.name, path.name) for path in folders if is_wanted(set(os.listdir(path)))]
    files, root = filesystem(settings)
    found = []
    for schema in _names(files, f"{root}/tables"):
        for table in _names(files, f"{root}/tables/{schema}"):
            if is_wanted(set(_names(files, f"{root}/tables/{schema}/{table}"))):
                found.append((schema, table))
    return found


def _names(files: pafs.FileSystem, folder: str) -> list[str]:
    """Names of the folders in a folder."""
    entries = files.get_file_info(pafs.FileSelector(folder, allow_not_found=True))
    return [entry.base_name for entry in entries if entry.type == pafs.FileType.Directory]
