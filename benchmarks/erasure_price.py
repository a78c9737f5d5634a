"""What an erasure costs, of one person and of ten thousand, on copies of a home that was run.

    LAKEHOUSE_SAMPLE_CUSTOMERS=12000 LAKEHOUSE_SAMPLE_DAYS=90 LAKEHOUSE_HOME=/tmp/home lakehouse run
    python benchmarks/erasure_price.py --home /tmp/home --persons 1 100 10000

CPU seconds of this process by step, so that what else the machine does counts little.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

from lakehouse.privacy.erasure import certificate
from lakehouse.privacy.erasure.requests import erase
from lakehouse.privacy.keyring import open_keyring
from lakehouse.settings import load_settings
from lakehouse.storage import delta_table


def refuse(sql: str) -> list[tuple[Any, ...]]:
    raise AssertionError(f"no engine is needed of this home, yet it was asked {sql}")


def price(home: Path, persons: int) -> None:
    """Erase so many on a copy; prints the CPU seconds of each step, what was removed, and the price of verifying."""
    with tempfile.TemporaryDirectory(dir=home.parent) as folder:
        shutil.copytree(home, Path(folder) / "home")
        settings = load_settings(home=Path(folder) / "home")
        there = delta_table(settings, "silver.customers").to_pyarrow_table(columns=["customer_id"])["customer_id"]
        named = sorted(set(there.to_pylist()))[:persons]
        spent: dict[str, float] = {}
        now = ["begin", time.process_time()]

        def tell(step: str, what: str) -> None:
            if not what or step == "plan":
                spent[str(now[0])] = time.process_time() - float(now[1])
                now[:] = [step, time.process_time()]

        path = erase(settings, named, "customers", "a measurement", partial(datetime.now, timezone.utc), refuse, tell)
        tell("end", "")
        told = json.loads(path.read_text())
        began = time.process_time()
        with open_keyring(settings) as keyring:
            certificate.raise_if_found(certificate.verify(settings, keyring, path)[1])
        verified = time.process_time() - began
    total = {what: sum(one[what] for one in told["places"]) for what in certificate.COUNTED}
    print(f"{len(named):,} persons: {sum(spent.values()):.1f} CPU s, to verify {verified:.1f}; {total}")
    print("  " + ", ".join(f"{step} {seconds:.1f}" for step, seconds in spent.items() if seconds > 0.05))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--persons", type=int, nargs="+", default=[1, 10_000])
    asked = parser.parse_args()
    for persons in asked.persons:
        price(asked.home.resolve(), persons)


if __name__ == "__main__":
    main()
