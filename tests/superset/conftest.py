"""Run by `make superset`: needs Superset's environment (scripts/superset.sh) and a Chromium."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lakehouse.settings import Settings, load_settings
from lakehouse.superset.client import Superset
from tests.superset.servers import PYTHON, Endpoint, endpoint, lakehouse, superset

HOME = "LAKEHOUSE_SUPERSET_TEST_HOME"
"""A home with the sample's tables, where one is there already."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not PYTHON.exists():
        for item in items:
            if "tests/superset" in str(item.path):
                item.add_marker(pytest.mark.skip(reason="no .venv-superset: `make superset` makes it and runs this"))


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home in which the default sample was run once."""
    if HOME in os.environ:
        return load_settings(home=Path(os.environ[HOME]))
    home = tmp_path_factory.mktemp("sample") / "home"
    ran = lakehouse("run", LAKEHOUSE_HOME=str(home))
    assert ran.returncode == 0, ran.stderr
    return load_settings(home=home)


@pytest.fixture(scope="session")
def analysts(sample: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with endpoint(sample, tmp_path_factory.mktemp("endpoint")) as found:
        yield found


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Address and password file of a Superset that nothing was imported into."""
    with superset(tmp_path_factory.mktemp("superset")) as found:
        yield found


@pytest.fixture(scope="session")
def filled(empty: tuple[str, Path], analysts: Endpoint) -> tuple[str, Path]:
    """The same after `lakehouse superset import`."""
    url, password_file = empty
    done = lakehouse(*importing(url, password_file, analysts))
    assert done.returncode == 0, done.stderr
    return url, password_file


@pytest.fixture(scope="session")
def api(filled: tuple[str, Path]) -> Superset:
    """Superset's REST API as the administrator."""
    url, password_file = filled
    session = Superset(url)
    session.log_in("admin", password_file.read_text(encoding="utf-8"))
    return session


def importing(url: str, password_file: Path, analysts: Endpoint, **other: Any) -> list[str]:
    """The arguments of the command; `other` replaces the option of that name."""
    options = {
        "password_file": password_file,
        "database_uri": analysts.uri,
        "database_password_file": analysts.password_file,
        **other,
    }
    given = [word for name, text in options.items() for word in (f"--{name.replace('_', '-')}", str(text))]
    return ["superset", "import", url, *given]
