"""The generated shop that both sides of the benchmark read, with its last hundredth held back.

python benchmarks/shop.py DIR CUSTOMERS

DIR/four.yml is a source of the shop's order lines, events, customers and products alone. The last 1 % of order lines
and events lie in DIR/later until `bring` puts them beside the others as `*-more.*`.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import yaml

from benchmarks.increments import count, split
from lakehouse.synth import generate

ENTITIES = ("customers", "products", "order_lines", "events")
FACTS = ("orders/orders-*.csv.gz", "app/events-*.jsonl.gz")


def make(directory: Path, customers: int, share: float = 0.01) -> None:
    """Write the shop, unless it is there."""
    if (directory / "four.yml").exists():
        return
    generate(directory, customers=customers, days=365, seed=7)
    for pattern in FACTS:
        files = sorted(directory.glob(pattern))
        bring = split(files[-1], count(files[-1]) - round(share * sum(count(file) for file in files)))
        bring()
        more = next(directory.glob(pattern.replace("-*", "-*-more")))
        (directory / "later" / more.parent.name).mkdir(parents=True, exist_ok=True)
        more.rename(directory / "later" / more.parent.name / more.name)
    source = yaml.safe_load((directory / "source.yml").read_text())
    source["entities"] = {name: entity for name, entity in source["entities"].items() if name in ENTITIES}
    (directory / "four.yml").write_text(yaml.safe_dump(source, sort_keys=False, allow_unicode=True))


def bring(directory: Path) -> None:
    """The later rows arrive."""
    for file in (directory / "later").rglob("*.gz"):
        shutil.copy(file, directory / file.parent.name / file.name)


def take_away(directory: Path) -> None:
    """As it was before they came."""
    for file in (directory / "later").rglob("*.gz"):
        (directory / file.parent.name / file.name).unlink(missing_ok=True)


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]))
