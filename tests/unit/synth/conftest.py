"""One generated sample for all tests of the generator, read with the standard library only."""

from __future__ import annotations

import csv
import gzip
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from lakehouse.synth import GenerationSummary, generate

CUSTOMERS, DAYS, SEED = 600, 365, 7


@dataclass
class Sample:
    """The sample's files as a person without our code would read them."""

    directory: Path
    summary: GenerationSummary
    cache: dict[str, list[bytes]] = field(default_factory=dict)

    def lines(self, file: str) -> list[bytes]:
        """Raw lines of a text file, header included."""
        if file not in self.cache:
            content = (self.directory / file).read_bytes()
            content = gzip.decompress(content) if file.endswith(".gz") else content
            self.cache[file] = content.split(b"\n")[:-1]
        return self.cache[file]

    def record(self, file: str, number: int) -> bytes:
        """The record with the given number, 1 being the first after the header."""
        return self.lines(file)[number if ".csv" in file else number - 1]

    def csv(self, file: str, delimiter: str = ",") -> list[dict[str, str]]:
        """Records of a CSV file; lines that are not UTF-8 or have too few fields are left out."""
        text = [line.decode("utf-8", errors="replace") for line in self.lines(file)]
        reader = csv.DictReader(text, delimiter=delimiter, strict=True)
        return [row for row in reader if None not in row.values() and "\ufffd" not in "".join(row.values())]

    def json(self, file: str) -> list[dict[str, Any]]:
        """Records of a JSON-lines file; lines that are no JSON are left out."""
        rows = []
        for line in self.lines(file):
            try:
                rows.append(json.loads(line))
            except ValueError:
                continue
        return rows

    def files(self, pattern: str) -> list[str]:
        """Relative names of the files of a pattern."""
        return [path.relative_to(self.directory).as_posix() for path in sorted(self.directory.glob(pattern))]

    def order_lines(self) -> list[dict[str, str]]:
        return [row for file in self.files("orders/*.csv.gz") for row in self.csv(file)]

    def events(self) -> list[dict[str, Any]]:
        return [row for file in self.files("app/*.jsonl.gz") for row in self.json(file)]

    def parquet(self, pattern: str) -> list[dict[str, Any]]:
        return [row for file in self.files(pattern) for row in pq.read_table(self.directory / file).to_pylist()]

    def defects(self, entity: str | None = None, kind: str | None = None) -> list[dict[str, str]]:
        rows = self.csv("truth/defects.csv")
        return [r for r in rows if entity in (None, r["entity"]) and kind in (None, r["defect_kind"])]


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """A shop of 600 customers over the year 2025."""
    directory = tmp_path_factory.mktemp("synth") / "sample"
    return Sample(directory, generate(directory, customers=CUSTOMERS, days=DAYS, seed=SEED))
