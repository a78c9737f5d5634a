"""A shop of 300 customers, run once for all tests that look at what a run leaves behind."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lakehouse.pipeline import Progress, Run, StepResult, main_job
from lakehouse.publication import Publication
from lakehouse.settings import Settings, load_settings
from lakehouse.sources import load_source
from lakehouse.synth import generate
from tests.conftest import use_home

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class Heard(Progress):
    """Remembers what a run told."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.left_out: list[str] = []
        self.notes: list[str] = []

    def ended(self, step: str, result: StepResult, seconds: float) -> None:
        self.done.append(step)

    def skipped(self, step: str, title: str, why: str) -> None:
        self.left_out.append(step)

    def noted(self, what: str) -> None:
        self.notes.append(what)


@dataclass(frozen=True)
class Shop:
    """A generated shop and the home that it was run into."""

    files: Path
    settings: Settings
    publication: Publication
    heard: Heard

    def run_again(self, spark: SparkSession) -> tuple[Publication, Heard]:
        """Another run of the same home."""
        use_home(spark, self.settings)
        heard = Heard()
        return main_job(Run(self.settings, [], None, heard)), heard


def run_shop(spark: SparkSession, files: Path, home: Path) -> Shop:
    """Run the shop's files into a home that was not there before."""
    settings = load_settings(home=home, spark_master="local[2]")
    settings.home.mkdir(parents=True)
    use_home(spark, settings)
    heard = Heard()
    publication = main_job(Run(settings, [load_source(files / "source.yml")], None, heard))
    return Shop(files, settings, publication, heard)


@pytest.fixture(scope="session")
def shop_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop's exports with the truth beside them."""
    folder = tmp_path_factory.mktemp("shop")
    generate(folder, customers=300, days=120, seed=7)
    return folder


@pytest.fixture(scope="session")
def shop(spark: SparkSession, shop_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The shop's first run."""
    return run_shop(spark, shop_files, tmp_path_factory.mktemp("first") / "home")


def copied(shop: Shop, folder: Path) -> Shop:
    """The shop and its home, to be changed."""
    shutil.copytree(shop.settings.home, folder / "home")
    shutil.copytree(shop.files, folder / "shop")
    for remembered in (folder / "home" / "sources").glob("*.json"):
        remembered.write_text(remembered.read_text().replace(str(shop.files), str(folder / "shop")))
    settings = shop.settings.model_copy(update={"home": folder / "home"})
    return Shop(folder / "shop", settings, shop.publication, shop.heard)


@pytest.fixture
def copy_of_shop(shop: Shop, tmp_path: Path) -> Shop:
    """The shop and its home, to be broken."""
    return copied(shop, tmp_path)
