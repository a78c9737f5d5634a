"""The files of `helm/lakehouse/dashboards`, in the form in which Superset exports and imports them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import yaml

from lakehouse.errors import InputError
from lakehouse.settings import CHECKOUT

DASHBOARDS_DIR = CHECKOUT / "helm" / "lakehouse" / "dashboards"
FOLDERS = ("databases", "datasets", "charts", "dashboards")
DATABASE_FILE = "databases/lakehouse.yaml"


@dataclass(frozen=True)
class Assets:
    """What is imported together: path within the bundle -> content."""

    files: Mapping[str, Mapping[str, Any]]

    def of(self, folder: str) -> list[Mapping[str, Any]]:
        """The contents below a folder, in the order of their paths."""
        return [content for path, content in sorted(self.files.items()) if path.startswith(f"{folder}/")]

    def bundle(self, uri: str, extra: Mapping[str, Any]) -> bytes:
        """A zip as `POST /api/v1/assets/import/` takes it.

        Args:
            uri: of the database; a password in it belongs to no file and is to be left out.
            extra: what the connection wants besides, into the database's own.
        """
        database = {**self.files[DATABASE_FILE], "sqlalchemy_uri": uri}
        database["extra"] = {**database.get("extra", {}), **extra}
        now = datetime.now(timezone.utc).isoformat()
        contents: dict[str, Mapping[str, Any]] = {
            "metadata.yaml": {"version": "1.0.0", "type": "assets", "timestamp": now},
            **self.files,
            DATABASE_FILE: database,
        }
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for path, content in contents.items():
                archive.writestr(f"lakehouse/{path}", as_yaml(content))
        return buffer.getvalue()


def read_assets(folder: Path = DASHBOARDS_DIR) -> Assets:
    """The assets below a folder.

    Raises:
        InputError: a file is no YAML, or there is no database among them.
    """
    files = {}
    for path in sorted(path for kind in FOLDERS for path in (folder / kind).rglob("*.yaml")):
        try:
            files[path.relative_to(folder).as_posix()] = yaml.safe_load(path.read_text(encoding="utf-8"))
        except yaml.YAMLError as error:
            raise InputError(f"{path} is no YAML: {error}") from None
    if DATABASE_FILE not in files:
        raise InputError(f"{folder} has no {DATABASE_FILE}: these are not the lakehouse's dashboards")
    return Assets(files)


def as_yaml(content: Mapping[str, Any]) -> str:
    """The content as Superset writes it: keys in their own order, text as it is read."""
    return yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True, width=120)


def write_yaml(path: Path, content: Mapping[str, Any]) -> None:
    """Write one asset."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(as_yaml(content), encoding="utf-8")
