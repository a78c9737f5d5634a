"""What hiding identifiers costs landing: the same files with and without it, in turns, in one process.

    python benchmarks/vault_speed.py --sample             # all that the built-in sample brings
    python benchmarks/vault_speed.py --shop 20000         # a shop with so many customers and what they do in a year
    python benchmarks/vault_speed.py --customers 100000   # a file of customers and nothing else

CPU seconds of this process, so that what else the machine does counts little; the medians of the turns. Then the size
of the vault, a second landing with nothing new, and a rotation of all keys.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

from lakehouse.bronze import Load, land, mapping
from lakehouse.bronze.protection import Protection
from lakehouse.privacy.keyring import open_keyring
from lakehouse.settings import Settings, load_settings
from lakehouse.sources import Source, load_source
from lakehouse.synth import generate

T = TypeVar("T")
MAPPED = """
name: shop
entities:
  customers:
    path: crm/customers.csv
    columns:
      {customer_id: cust_no, full_name: name, phone: mobile, email: email, id_card: id_no, birth_on: birthday,
       address: addr, city: city, latitude: lat, longitude: lng}
"""


def measured(what: Callable[[], T]) -> tuple[T, float]:
    """What a call returns, and the CPU seconds that it took."""
    before = time.process_time()
    answer = what()
    return answer, time.process_time() - before


@contextmanager
def in_the_clear() -> Iterator[None]:
    """Landing that hides nothing, as a measure of what hiding costs."""

    class Open(Protection):
        is_about_people = False

    def hide_nothing(
        entity: str, columns: Mapping[str, str], attributes: Mapping[str, str], *given: Any, **also: Any
    ) -> Open:
        return Open(entity, columns, attributes)

    hiding, mapping.plan_protection = mapping.plan_protection, hide_nothing
    try:
        yield
    finally:
        mapping.plan_protection = hiding


def landed(settings: Settings, source: Source) -> tuple[list[Load], float]:
    return measured(lambda: land(settings, [source], "run", datetime.now(timezone.utc)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int)
    parser.add_argument("--shop", type=int)
    parser.add_argument("--sample", action="store_true")
    parser.add_argument("--turns", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        shop = Path(folder) / "shop"
        source = _source(shop, asked)
        landed(load_settings(home=Path(folder) / "warm"), source)  # what is loaded once in a process
        shutil.rmtree(Path(folder) / "warm")
        clear, hidden = [], []
        for turn in range(asked.turns):
            with in_the_clear():
                loads, seconds = landed(load_settings(home=Path(folder) / f"clear-{turn}"), source)
                clear.append(seconds)
            loads, seconds = landed(settings := load_settings(home=Path(folder) / f"hidden-{turn}"), source)
            hidden.append(seconds)
            print(f"turn {turn + 1}: in the clear {clear[-1]:.2f}, hidden {hidden[-1]:.2f}", flush=True)
        _, again = landed(settings, source)
        with open_keyring(settings) as keyring:
            wrapped, rotating = measured(keyring.rotate)
        kept = _bytes(Path(settings.vault_uri))
        sizes = [_bytes(Path(folder) / f"{kind}-0" / "tables" / "bronze") for kind in ("clear", "hidden")]
    rows, sealed = sum(load.rows_landed for load in loads), sum(load.rows_sealed for load in loads)
    before, after = median(clear), median(hidden)
    print(f"{rows:,} rows of {len(loads)} files, {sealed:,} of them sealed; {asked.turns} turns, CPU s")
    print(f"in the clear    {before:6.2f}   {', '.join(f'{s:.2f}' for s in clear)}   {sizes[0] / 2**20:6.1f} MiB")
    print(
        f"hidden          {after:6.2f}   {', '.join(f'{s:.2f}' for s in hidden)}   {sizes[1] / 2**20:6.1f} MiB",
        end="  ",
    )
    print(f"and {kept / 2**20:.1f} MiB of vault")
    print(
        f"hiding costs    {after / before - 1:+7.1%}   {(after - before) / max(sealed, 1) * 1e6:,.0f} us a sealed row"
    )
    print(f"nothing new     {again:6.2f}")
    print(f"rotation        {rotating:6.2f}   {wrapped:,} keys")


def _source(shop: Path, asked: argparse.Namespace) -> Source:
    if asked.customers is None:
        settings = load_settings()
        customers = settings.sample_customers if asked.sample else asked.shop
        generate(
            shop, customers=customers, days=settings.sample_days if asked.sample else 365, seed=settings.sample_seed
        )
        return load_source(shop / "source.yml")
    generate(shop, customers=min(asked.customers, 20_000), days=30, seed=7)
    repeat_customers(shop / "crm" / "customers.csv", asked.customers)
    (shop / "only_customers.yml").write_text(MAPPED)
    return load_source(shop / "only_customers.yml")


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*.parquet"))


def repeat_customers(file: Path, customers: int) -> None:
    """Make the file one of so many customers, by giving the same people other numbers."""
    header, *lines = file.read_bytes().splitlines()
    with file.open("wb") as out:
        out.write(header + b"\n")
        for number in range(customers):
            out.write(b"N%07d," % number + lines[number % len(lines)].split(b",", 1)[1] + b"\n")


if __name__ == "__main__":
    main()
