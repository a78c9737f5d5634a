"""Kills over whole runs, at least a hundred: `make crash`, or python -m tests.crash [--kills N] [--seed S].

A home is run and killed at random moments until a run gets through, its tables are compared with those of an
undisturbed run, and the next home begins, until the kills are used up. The seed is printed; the same seed kills after
the same seconds.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from lakehouse import ops
from lakehouse.settings import load_settings
from lakehouse.synth import generate
from tests.crash.killing import COUNTED, killed_often, run_to_the_end
from tests.integration.content import content_hashes

LAYERS = ("silver", "gold", "ml")
KILLS_OF_A_HOME = 10
LONGEST_S = 75
"""A continued run is through in less than a whole one: later kills would seldom come."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--customers", type=int, default=300)
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generate(folder / "shop", customers=given.customers, days=120, seed=7)
        source = folder / "shop" / "source.yml"
        whole_s = run_to_the_end(folder / "undisturbed", source, folder / "undisturbed.log")
        expected = content_hashes(load_settings(home=folder / "undisturbed"), LAYERS, COUNTED)
        print(f"undisturbed: {whole_s:.0f} s, {len(expected)} tables", flush=True)
        count, homes, steps = 0, 0, Counter[str]()
        while count < given.kills:
            home = folder / f"home-{homes}"
            seed = given.seed + homes
            kills = killed_often(home, source, folder, min(KILLS_OF_A_HOME, given.kills - count), LONGEST_S, seed)
            run_to_the_end(home, source, folder / "last.log")
            settings = load_settings(home=home)
            found = content_hashes(settings, LAYERS, COUNTED)
            different = {k for k in found.keys() | expected.keys() if found.get(k) != expected.get(k)}
            killed_in = [row["step"] for row in ops.read(settings, "runs") if row["state"] != "done"]
            steps.update(killed_in)
            count, homes = count + len(kills), homes + 1
            verdict = f"DIFFERENT: {', '.join(sorted(different))}" if different else "equal"
            print(f"home {homes}, seed {seed}: {len(kills)} kills, in {', '.join(killed_in)}: {verdict}", flush=True)
            if different:
                return 1
            shutil.rmtree(home)
    print(f"{count} kills on {homes} homes, all tables equal; by step: {dict(steps)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
