"""Sources on their way from a laptop into a run's home: a zip that a ConfigMap carries.

In the zip a source is a folder of its name: its definition, and those of its files that are on the laptop only. The run
unpacks it into `uploads/` of the home, where later runs find it.
"""

from __future__ import annotations

import io
import os
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from lakehouse.databases.address import is_database
from lakehouse.errors import InputError
from lakehouse.source_yaml import read_yaml
from lakehouse.sources import Source, entity_files, load_source, parse_source
from lakehouse.variables import expand_variables

MOST_BYTES = 1_000_000
"""Packed. A ConfigMap holds 1 MiB, and etcd takes 1.5 MiB at once."""
DEFINITION = ".lakehouse-source.yml"
OUTSIDE = "outside"
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)


def pack(files: Sequence[Path], mounts: Sequence[str]) -> bytes:
    """The zip of source files and of the data that they name on this machine.

    A `path:` below one of `mounts`, a database, or one with a variable that is not set here is the pod's own affair and
    stays as it is. Any other is of this machine: its files go along, and the packed definition names them where they
    will be.

    Args:
        mounts: where the run's pod has volumes that outlive it.

    Raises:
        InputError: a source file is wrong, its files are missing or too large, or it refers to a secret's file here.
    """
    packed = io.BytesIO()
    taken: dict[str, Path] = {}
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in files:
            try:
                name, definition, data = _moved(path, mounts)
            except InputError as error:
                told = str(error)
                raise InputError(told if told.startswith("source file") else f"source file {path}: {told}") from None
            if name in taken:
                raise InputError(f"{taken[name]} and {path} both say `name: {name}`; a run takes one of them")
            taken[name] = path
            total = sum(file.stat().st_size for file in data.values())
            if total > 100 * MOST_BYTES:  # not worth packing to know
                raise InputError(_too_large(path, data, total, None))
            _write(archive, f"{name}/{DEFINITION}", definition.encode())
            for place, file in data.items():
                _write(archive, f"{name}/{place}", file.read_bytes())
            if packed.tell() > MOST_BYTES:
                raise InputError(_too_large(path, data, total, packed.tell()))
    return packed.getvalue()


def names_in(archive: Path) -> list[str]:
    """The sources in a zip.

    Raises:
        InputError: it is none.
    """
    try:
        with zipfile.ZipFile(archive) as packed:
            return sorted({PurePosixPath(name).parts[0] for name in packed.namelist()})
    except (OSError, zipfile.BadZipFile) as error:
        raise InputError(f"--uploaded {archive} is no archive of `lakehouse submit` ({error})") from None


def take(archive: Path, home: Path) -> list[Source]:
    """Put the sources of a zip in the home's `uploads/`, each in place of an earlier one of its name, and load them.

    Raises:
        InputError: see `load_source`.
    """
    sources = []
    for name in names_in(archive):
        folder, scratch = home / "uploads" / name, home / "uploads" / f".{name}.new"
        shutil.rmtree(scratch, ignore_errors=True)
        with zipfile.ZipFile(archive) as packed:
            for member in packed.namelist():
                if PurePosixPath(member).parts[0] == name:
                    packed.extract(member, scratch)
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(scratch / name, folder)
        shutil.rmtree(scratch)
        sources.append(load_source(folder / DEFINITION))
    return sources


def _moved(path: Path, mounts: Sequence[str]) -> tuple[str, str, dict[str, Path]]:
    """Name and text of a definition as the pod is to read it, and the files that go along by their place in it."""
    content = read_yaml(path)
    folder = Path(os.path.abspath(path)).parent
    source = parse_source(content, folder)
    data: dict[str, Path] = {}
    for entity, definition in source.entities.items():
        if definition.database is not None:
            _refuse_secret_of_this_machine(entity, definition.database.password_file, mounts)
            continue
        places = [_place(pattern, folder, mounts) for pattern in definition.path]
        content["entities"][entity]["path"] = places if len(places) > 1 else places[0]
        for pattern in definition.path:
            if not _is_of_the_pod(pattern, mounts):
                data.update(_files(source, entity, pattern, folder))
    return source.name, yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=10_000), data


def _is_of_the_pod(pattern: str, mounts: Sequence[str]) -> bool:
    try:
        path = os.path.expanduser(expand_variables(pattern))
    except InputError:
        return True  # a variable that is the pod's
    full = os.path.normpath(path)
    return is_database(path) or any(PurePosixPath(full).is_relative_to(mount) for mount in mounts)


def _place(pattern: str, folder: Path, mounts: Sequence[str]) -> str:
    """The pattern by which the pod finds what `pattern` finds here."""
    if _is_of_the_pod(pattern, mounts):
        return pattern
    return _within(Path(os.path.normpath(folder / os.path.expanduser(expand_variables(pattern)))), folder)


def _within(path: Path, folder: Path) -> str:
    """Where a file of this machine goes, seen from its source: as it is below the source's folder, else `outside/…`."""
    if path.is_relative_to(folder):
        return path.relative_to(folder).as_posix()
    return f"{OUTSIDE}{path.as_posix()}"


def _files(source: Source, entity: str, pattern: str, folder: Path) -> dict[str, Path]:
    one = source.entities[entity].model_copy(update={"path": (pattern,)})
    found = entity_files(source.model_copy(update={"entities": {entity: one}}), entity)
    files = [inner for path in found for inner in (sorted(path.rglob("*")) if path.is_dir() else [path])]
    return {_within(file, folder): file for file in files if file.is_file()}


def _refuse_secret_of_this_machine(entity: str, file: str | None, mounts: Sequence[str]) -> None:
    if file is not None and not (file.startswith("/") and _is_of_the_pod(file, mounts)):
        raise InputError(
            f"{entity}: `password_file: {file}` is on this machine, and secrets are not uploaded: name a file of a "
            "Secret that the run's pod mounts, or write `password: ${NAME}` and give the pod that variable by a Secret"
        )


def _too_large(path: Path, data: dict[str, Path], total: int, packed: int | None) -> str:
    largest = max(data.values(), key=lambda file: file.stat().st_size)
    others = f" and {len(data) - 1} more" if len(data) > 1 else ""
    small = f", {packed / 1e6:.1f} MB packed" if packed else ""
    return (
        f"source file {path}: {largest.name}{others} ({total / 1e6:.1f} MB{small}) are on this machine only, and "
        f"`lakehouse submit` uploads {MOST_BYTES / 1e6:.0f} MB packed at most: put them on the run's volume or in a "
        "database (`path: jdbc:…`), and name them where they are there"
    )


def _write(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """The same content gives the same bytes, whenever it is packed."""
    entry: Any = zipfile.ZipInfo(name, _FIXED_TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, content)
