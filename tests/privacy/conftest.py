"""A shop with markers, run by the command as a user runs it, with all it said; LAKEHOUSE_PRIVACY_FOLDER keeps it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from lakehouse.privacy import vault
from lakehouse.privacy.keyring import open_keyring
from lakehouse.privacy.leaks import Scan, scan_with
from lakehouse.privacy.markers import Search
from lakehouse.privacy.pseudonyms import Pseudonyms
from lakehouse.settings import CHECKOUT, Settings, load_settings
from tests.privacy.planted_shop import Planted, planted_shop

Told = Callable[[str, object], None]


@dataclass
class House:
    """A home, the folder for what programs put aside, and what was shown on the screen, command by command."""

    folder: Path
    planted: Planted
    search: Search

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def settings(self) -> Settings:
        """Of the home, as the commands have them."""
        return load_settings(home=self.home)

    def kept(self) -> list[str]:
        """Customers whose lines could be read, so that they are in the vault."""
        with open_keyring(self.settings) as keyring:
            pseudonyms = Pseudonyms.of(keyring)
            subjects = {person: vault.subject_of(pseudonyms, "customers", person) for person in self.planted.people}
            held = keyring.held(subjects.values())
        return [person for person, subject in subjects.items() if subject in held]

    def lakehouse(self, name: str, *arguments: str, expected: int | None = 0, debug: bool = False) -> str:
        """Run a command; what it said, to both streams, is kept under a name."""
        folders = {name: self.folder / name for name in ("tmp", "screen")}
        for folder in folders.values():
            folder.mkdir(exist_ok=True)
        environment = {
            **os.environ,
            "PYTHONPATH": str(CHECKOUT),
            "LAKEHOUSE_HOME": str(self.home),
            "TMPDIR": str(folders["tmp"]),
            "JAVA_TOOL_OPTIONS": f"-Djava.io.tmpdir={folders['tmp']}",
            **({"LAKEHOUSE_DEBUG": "1"} if debug else {}),
        }
        done = subprocess.run(
            [sys.executable, "-m", "lakehouse", *arguments],
            env=environment, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        (folders["screen"] / f"{name}.txt").write_bytes(done.stdout)
        told = done.stdout.decode("utf-8", "replace")
        assert expected is None or done.returncode == expected, told[-3000:]
        return told

    def scanned(self, folder: str) -> Scan:
        """One of the folders, searched for every marker."""
        return scan_with(self.search, self.folder / folder)


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """The shop, run once."""
    kept = os.environ.get("LAKEHOUSE_PRIVACY_FOLDER")
    folder = Path(kept).absolute() if kept else tmp_path_factory.mktemp("house")
    folder.mkdir(parents=True, exist_ok=True)
    planted = planted_shop(folder / "exports")
    house = House(folder, planted, Search(planted.markers))
    sources = [argument for path in planted.sources for argument in ("--source", str(path))]
    house.lakehouse("run", "run", *sources)
    return house


def told(found: Scan) -> str:
    """The places of a scan, a line each, without any value."""
    return "\n".join(
        f"  {folder}: {place}: {markers} values, {count} times, {encodings}"
        for folder, place, encodings, markers, count in found.where()
    )
