"""Kills over whole runs, at least a hundred: `make crash`, or python -m tests.crash [--kills N] [--seed S].

A home is run and killed at random moments until a run gets through, its tables are compared with those of an
undisturbed run, and the next home begins, until the kills are used up. Every second home is one that had all but its
last files, and takes these by increments. The seed is printed; the same seed kills after
the same shares of an undisturbed run. With LAKEHOUSE_ENGINE=spark the Java that a run started is killed, too.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lakehouse import ops
from lakehouse.settings import load_settings
from lakehouse.synth import generate
from tests.crash.killing import COUNTED, killed_often, run_to_the_end
from tests.integration.content import content_hashes, rows_apart

LAST_FILES = ("orders/orders-*.csv.gz", "app/events-*.jsonl.gz", "ads/impressions-*.parquet")
MADE_OF_ROWS = ("silver.", "gold.feat_", "gold.fct_")
"""What does not depend on which batches a model learnt from: the same whole and by increments."""
LAYERS = ("silver", "gold", "ml")
KILLS_OF_A_HOME = 8
LATEST = 0.5
"""Share of an undisturbed run within which kills come: a continued run is through sooner, later ones would be rare."""

FASTER = 0.7


@contextmanager
def without_last_files(shop: Path, folder: Path) -> Iterator[None]:
    """The shop as it was before its last orders, events and impressions came."""
    folder.mkdir()
    held_back = [max(shop.glob(pattern)) for pattern in LAST_FILES]
    for path in held_back:
        path.rename(folder / path.name)
    yield
    for path in held_back:
        (folder / path.name).rename(path)


def undisturbed(home: Path, source: Path, begun: Path | None) -> tuple[float, dict[str, str]]:
    """Seconds and tables, by name, of a run that nobody kills; from the start, or on a home that is `begun`."""
    if begun is not None:
        shutil.copytree(begun, home)
    seconds = run_to_the_end(home, source, home.with_suffix(".log"))
    found = content_hashes(load_settings(home=home), LAYERS, COUNTED)
    print(f"undisturbed, {'by increments' if begun else 'whole'}: {seconds:.0f} s, {len(found)} tables", flush=True)
    return seconds, found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--customers", type=int, default=300)
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    os.environ["LAKEHOUSE_INCREMENTS_FROM_ROWS"] = "0"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shop = folder / "shop"
        generate(shop, customers=given.customers, days=200, seed=7)
        source = shop / "source.yml"
        with without_last_files(shop, folder / "held back"):
            run_to_the_end(folder / "begun", source, folder / "begun.log")
        expected = {
            begun: undisturbed(folder / f"undisturbed-{begun}", source, folder / "begun" if begun else None)
            for begun in (False, True)
        }
        (_, whole), (_, by_increments) = expected[False], expected[True]
        grown = [name for name in by_increments if name.startswith(MADE_OF_ROWS)]
        different = {name for name in grown if by_increments[name] != whole[name]}
        if different:
            print(f"DIFFERENT though nobody killed: {', '.join(sorted(different))}")
            return 1
        count, homes, steps = 0, 0, Counter[str]()
        while count < given.kills:
            home = folder / f"home-{homes}"
            seed, begun = given.seed + homes, homes % 2 == 1
            if begun:
                shutil.copytree(folder / "begun", home)
            seconds, wanted = expected[begun]
            few = min(KILLS_OF_A_HOME, given.kills - count)
            kills = killed_often(home, source, folder, few, LATEST * seconds, seed)
            run_to_the_end(home, source, folder / "last.log")
            settings = load_settings(home=home)
            found = content_hashes(settings, LAYERS, COUNTED)
            different = {k for k in found.keys() | wanted.keys() if found.get(k) != wanted.get(k)}
            killed_in = [row["step"] for row in ops.read(settings, "runs") if row["state"] != "done"]
            steps.update(killed_in)
            if not kills:  # the machine has become faster than it was
                expected[begun] = (seconds * FASTER, wanted)
            count, homes = count + len(kills), homes + 1
            verdict = f"DIFFERENT: {', '.join(sorted(different))}" if different else "equal"
            how = "by increments" if begun else "whole"
            print(
                f"home {homes}, {how}, seed {seed}: {len(kills)} kills, in {', '.join(killed_in)}: {verdict}",
                flush=True,
            )
            if different:
                apart = load_settings(home=folder / f"undisturbed-{begun}")
                for name in sorted(different):
                    print("\n  ".join([name, *rows_apart(settings, apart, name, COUNTED)[:10]]))
                return 1
            shutil.rmtree(home)
    print(f"{count} kills on {homes} homes, all tables equal; by step: {dict(steps)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
