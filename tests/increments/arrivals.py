"""One shop's rows, arriving in any order and any portions: split, late, corrected, sent again."""

from __future__ import annotations

import csv
import gzip
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml

Row = dict[str, str]

ENTITIES = {
    "customers": "crm/customers.csv",
    "products": "catalog/products.csv",
    "order_lines": "orders/orders-*.csv.gz",
    "events": "app/events-*.jsonl.gz",
    "impressions": "ads/impressions-*.parquet",
    "sends": "crm/sends.csv",
    "tickets": "service/tickets.jsonl",
    "consents": "crm/consents.csv",
    "locations": "app/locations.parquet",
}
KEYLESS = ("order_lines", "events")
"""What the second source brings too, without a key: copies are kept there and flagged."""


@dataclass
class Arrivals:
    """Files by arrival; `bring` writes those of the next one.

    Args:
        shop: a folder that `generate` wrote.
        portions: how many arrivals.
        share_late: of the rows, how many come in an arrival drawn at random; the others come in the order of time.
        share_corrected: how many come again later with another content under the same key.
        at_once: entities all of whose rows come with the first arrival.
    """

    shop: Path
    folder: Path
    seed: int
    portions: int
    share_late: float = 0.1
    share_corrected: float = 0.05
    share_copied: float = 0.03
    at_once: tuple[str, ...] = ()
    _files: list[dict[str, list[Row]]] = field(default_factory=list)
    _columns: dict[str, list[str]] = field(default_factory=dict)
    _came: int = 0

    def __post_init__(self) -> None:
        draw = random.Random(self.seed)
        self._files = [{} for _ in range(self.portions)]
        cuts = sorted(draw.random() for _ in range(self.portions - 1))
        for entity, pattern in ENTITIES.items():
            rows = [row for path in sorted(self.shop.glob(pattern)) for row in read_rows(path)]
            columns = sorted({name for row in rows for name in row if name is not None})
            self._columns |= {entity: columns, f"till/{entity}": columns}
            for place, row in enumerate(rows):
                first = sum(cut < place / len(rows) for cut in cuts)
                if draw.random() < self.share_late:
                    first = draw.randrange(self.portions)
                if entity in self.at_once:
                    self._put(0, entity, row)
                    continue
                self._put(first, entity, row)
                if draw.random() < self.share_corrected:
                    self._put(draw.randrange(first, self.portions), entity, corrected(row, draw))
                if entity in KEYLESS and draw.random() < 0.2:
                    for _ in range(1 + (draw.random() < self.share_copied)):
                        self._put(draw.randrange(first, self.portions), f"till/{entity}", row)

    def source_files(self) -> list[Path]:
        """The source files: the shop's own with a pattern per entity, and the till's, whose rows have no key."""
        shop = yaml.safe_load((self.shop / "source.yml").read_text(encoding="utf-8"))
        entities = {name: shop["entities"][name] for name in ENTITIES}
        for name, one in entities.items():
            one["path"] = f"{name}/*.csv"
            one.pop("delimiter", None)
        till = {"name": "till", "timezone": "UTC", "currency": "EUR", "entities": {}}
        for name in KEYLESS:
            columns = dict(entities[name]["columns"])
            till["entities"][name] = {"path": f"till/{name}/*.csv", "columns": columns}
        paths = []
        for one in ({**shop, "entities": entities}, till):
            self.folder.mkdir(parents=True, exist_ok=True)
            path = self.folder / f"{one['name']}.yml"
            path.write_text(yaml.safe_dump(one, allow_unicode=True), encoding="utf-8")
            paths.append(path)
        return paths

    def bring(self) -> bool:
        """Write the files of the next arrival; False when there is none."""
        if self._came == self.portions:
            return False
        arrived = self._files[self._came]
        if self._came == 0:  # an export without a row, where none has come yet, is still a file
            arrived = {name: [] for name in (*ENTITIES, *(f"till/{entity}" for entity in KEYLESS))} | arrived
        for entity, rows in arrived.items():
            path = self.folder / entity / f"{self._came:04d}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_csv(path, self._columns[entity], rows)
        self._came += 1
        return True

    def _put(self, arrival: int, entity: str, row: Row) -> None:
        self._files[arrival].setdefault(entity, []).append(row)


def corrected(row: Row, draw: random.Random) -> Row:
    """The row as a later version: another time, quantity or price under the same key."""
    changed = dict(row)
    for column in ("qty", "price", "name", "list_price", "cost", "dwell_s", "kw"):
        if changed.get(column):
            changed[column] = str(draw.randint(1, 900))
    for column in ("order_time", "ts", "send_time"):
        text = changed.get(column) or ""
        if len(text) >= 10 and text[8:10].isdigit():
            changed[column] = f"{text[:8]}{draw.randint(1, 28):02d}{text[10:]}"
    return changed


def read_rows(path: Path) -> Iterator[Row]:
    """The records of a sample file as texts."""
    if path.suffix == ".parquet":
        for row in pq.read_table(path).to_pylist():
            yield {name: "" if value is None else str(value) for name, value in row.items()}
    elif ".jsonl" in path.name:
        unpacked = gzip.open if path.suffix == ".gz" else open
        with unpacked(path, "rt", encoding="utf-8", errors="replace") as lines:
            yield from (texts(line) for line in lines)
    else:
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8", errors="replace", newline="") as lines:
            yield from csv.DictReader(lines, delimiter=";" if path.name == "sends.csv" else ",")


def texts(line: str) -> Row:
    """A JSON record; a line that is none gives no values."""
    try:
        found: Any = json.loads(line)
    except ValueError:
        return {}
    return {name: str(value) for name, value in found.items()} if isinstance(found, dict) else {}


def write_csv(path: Path, columns: list[str], rows: list[Row]) -> None:
    """A file with these columns."""
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, columns, restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
