"""What the vault costs: rows a second into it, beside landing the same rows, and a rotation of all keys.

    python benchmarks/vault_speed.py --customers 100000   # nothing but customers
    python benchmarks/vault_speed.py --sample             # all that the built-in sample brings

CPU seconds of this process, so that what else the machine does counts little.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import TypeVar

from lakehouse.bronze import land
from lakehouse.privacy import vault
from lakehouse.privacy.keyring import open_keyring
from lakehouse.settings import load_settings
from lakehouse.sources import load_source
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--sample", action="store_true")
    asked = parser.parse_args()
    customers = asked.customers
    with tempfile.TemporaryDirectory() as folder:
        shop = Path(folder) / "shop"
        settings = load_settings(home=Path(folder) / "home")
        if asked.sample:
            generate(shop, customers=settings.sample_customers, days=settings.sample_days, seed=settings.sample_seed)
            source = load_source(shop / "source.yml")
        else:
            generate(shop, customers=min(customers, 20_000), days=30, seed=7)
            repeat_customers(shop / "crm" / "customers.csv", customers)
            (shop / "only_customers.yml").write_text(MAPPED)
            source = load_source(shop / "only_customers.yml")
        loads, landing = measured(lambda: land(settings, [source], "run", datetime.now(timezone.utc)))
        filled, filling = measured(lambda: vault.fill(settings, lambda sql: []))
        _, again = measured(lambda: vault.fill(settings, lambda sql: []))
        with open_keyring(settings) as keyring:
            wrapped, rotating = measured(keyring.rotate)
        kept = sum(file.stat().st_size for file in Path(settings.vault_uri).rglob("*.parquet"))
        landed = sum(file.stat().st_size for file in settings.tables_dir.glob("bronze/*/**/*.parquet"))
    rows = sum(load.rows_landed for load in loads)
    print(f"landed    {rows:>9,} rows  {landing:6.2f} CPU s  {landed / 2**20:6.1f} MiB")
    print(f"vault     {filled.rows:>9,} rows  {filling:6.2f} CPU s  {kept / 2**20:6.1f} MiB", end="  ")
    print(f"{filled.rows / filling:,.0f} rows a CPU s")
    print(f"again     nothing new     {again:6.2f} CPU s")
    print(f"rotation  {wrapped:>9,} keys  {rotating:6.2f} CPU s")


def repeat_customers(file: Path, customers: int) -> None:
    """Make the file one of so many customers, by giving the same people other numbers."""
    header, *lines = file.read_bytes().splitlines()
    with file.open("wb") as out:
        out.write(header + b"\n")
        for number in range(customers):
            out.write(b"N%07d," % number + lines[number % len(lines)].split(b",", 1)[1] + b"\n")


if __name__ == "__main__":
    main()
