"""Files beside the tables, models, and what left the house."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow.fs as pafs

from lakehouse import ops
from lakehouse.privacy.classes import is_about_people
from lakehouse.privacy.erasure.journal import PROGRESS, REQUEST, Erasing
from lakehouse.privacy.traces import Traces
from lakehouse.settings import Settings
from lakehouse.storage import filesystem

OWN_FOLDERS = ("tables", "vault", "keys", "audit", "certificates")
"""Of a home: what an erasure looks at table by table, and what holds pseudonyms only."""
REMOVED_WHOLE = ("reports", "spark-tmp", "exchange", "reading", "sample", "uploads", "spark-logs")
"""Folders of files that are made again, or are copies of what was landed: one that names a person is removed."""


def clean_files(erasing: Erasing) -> None:
    """Files of the home, and of the storage beside the tables, that name a person."""
    settings, progress = erasing.settings, erasing.progress
    if not erasing.traces:
        return
    for path in home_files(settings):
        if not erasing.traces.are_in_file(path):
            continue
        inside = path.relative_to(settings.home).as_posix() if path.is_relative_to(settings.home) else str(path)
        top = inside.partition("/")[0]
        is_whole = top in REMOVED_WHOLE or not path.is_relative_to(settings.home)
        is_whole |= top == "mlflow" and path.suffix != ".db"
        is_text = not is_whole and (top == "logs" or _is_plain(path))
        progress.files[inside] = "removed" if is_whole else "words blacked out" if is_text else "left"
        erasing.save()
        if is_whole:
            path.unlink()
        elif is_text:
            _hide_in_text(path, erasing.traces)
    for entry in storage_files(settings):
        files, root = filesystem(settings)
        with files.open_input_file(entry) as stream:
            if not erasing.traces.are_in_stream(entry, stream):
                continue
        progress.files[entry[len(root) + 1 :]] = "removed"
        erasing.save()
        files.delete_file(entry)


def home_files(settings: Settings) -> list[Path]:
    """Files of the home, and of the scratch folder, that are neither tables nor keys, log of deeds or certificates."""
    folders = [one for one in settings.home.iterdir() if one.is_dir() and one.name not in OWN_FOLDERS]
    if settings.scratch_dir is not None and settings.scratch_dir.exists():
        folders.append(settings.scratch_dir)
    loose = [one for one in settings.home.iterdir() if one.is_file() and one.name not in (REQUEST, PROGRESS)]
    inside = [path for folder in folders for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return sorted([*loose, *inside])


def storage_files(settings: Settings) -> list[str]:
    """Files of the storage that are no tables, such as event logs and exchanged rows; none without a storage."""
    if settings.storage is None:
        return []
    files, root = filesystem(settings)
    found = []
    for top in files.get_file_info(pafs.FileSelector(root, allow_not_found=True)):
        if top.base_name in ("tables", "vault"):
            continue
        if top.type == pafs.FileType.File:
            found.append(top.path)
        else:
            entries = files.get_file_info(pafs.FileSelector(top.path, recursive=True))
            found += [entry.path for entry in entries if entry.type == pafs.FileType.File]
    return sorted(found)


def _is_plain(path: Path) -> bool:
    return path.suffix in (".json", ".jsonl", ".log", ".txt", ".yml", ".yaml", ".sql", ".md", ".html", ".lock")


def _hide_in_text(path: Path, traces: Traces) -> None:
    """Black the traces out in a text file."""
    lines = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines(keepends=True)
    told = [traces.hidden_in(line) if traces.are_in(line) else line for line in lines]
    scratch = path.with_name(f".{path.name}.tmp")
    scratch.write_text("".join(told), encoding="utf-8", errors="surrogateescape")
    os.replace(scratch, path)


def list_models(erasing: Erasing) -> None:
    """Models that were trained while a person was among the features: none of them serves once the next run has
    trained others."""
    from ml import champions
    from ml.store import has_store
    from ml.tasks import TASKS

    if not has_store(erasing.settings):
        return
    if erasing.settings.mlflow_tracking_uri is not None:
        _tell(erasing, "the MLflow server: parameters and artifacts of its runs were not searched")
    for name, task in TASKS.items():
        if any(f"gold.{table}" in erasing.progress.states for table in task.reads):
            for version in champions.outdate(erasing.settings, name, erasing.request.id):
                told = {"task": name, "version": version}
                if told not in erasing.progress.models:
                    erasing.progress.models.append(told)


def list_exports(erasing: Erasing) -> None:
    """What left the house: files that we reach are removed, rows in databases are told of."""
    subjects = set(erasing.request.subjects)
    for row in ops.read(erasing.settings, "exports"):
        target, when = row["target"], f"{row['exported_at']:%Y-%m-%d}"
        if row["subject_id"] is not None:
            if row["subject_id"] in subjects and os.path.exists(target):
                erasing.progress.files[target] = "removed"
                erasing.save()
                os.unlink(target)
        elif is_about_people(row["table_name"]):
            _tell(erasing, f"{target}, to which {row['table_name']} was exported on {when}")
    logs, storage = erasing.settings.event_logs, erasing.settings.storage
    if logs is not None and not (storage is not None and logs.startswith(storage)):
        _tell(erasing, f"Spark's event logs in {logs}, which were not searched")


def _tell(erasing: Erasing, where: str) -> None:
    if where not in erasing.progress.elsewhere:
        erasing.progress.elsewhere.append(where)
