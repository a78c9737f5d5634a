"""What each protection costs, as CPU seconds beside a run of the built-in sample without it.

    python benchmarks/privacy_cost.py [--turns N]

How each figure is got. *Masks, vault, identifiers in words*: the sample's files are landed with and without them, in
turns, by a switch that only benchmarks have (`in_the_clear`); the difference of the medians. *Consent*: the parts of a
profiled run (`lakehouse run --profile`) that exist for it alone; what joins on consent add to other models is not in
it. *Classes*: the checks are called alone, as a build calls them. *Audit*: a line is written alone. The whole run is
profiled once, so differences of a few per cent of it are noise.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime, timezone
from pathlib import Path
from statistics import median

from benchmarks.vault_speed import in_the_clear
from lakehouse.bronze import land
from lakehouse.pipeline import Progress, Run, main_job
from lakehouse.privacy import audit, classes, uses
from lakehouse.privacy.keyring import open_keyring
from lakehouse.profiling import Span, profile
from lakehouse.settings import Settings, load_settings
from lakehouse.sources import Source, load_source
from lakehouse.synth import generate

CONSENT = ("dim_consent", "stg_consents", "stg_suppressions")


def cpu_of(what: Callable[[], object]) -> float:
    """CPU seconds of this process that a call takes."""
    before = time.process_time()
    what()
    return time.process_time() - before


def landing(source: Source, folder: Path, turns: int) -> tuple[float, float]:
    """Median CPU seconds of landing everything: protected, and in the clear."""
    land(load_settings(home=folder / "warm"), [source], "run", datetime.now(timezone.utc))  # what a process loads once
    spent: dict[bool, list[float]] = {True: [], False: []}
    for turn in range(turns):
        for protected in (True, False):
            home = load_settings(home=folder / f"landing-{turn}-{protected}")
            with nullcontext() if protected else in_the_clear():
                spent[protected].append(
                    cpu_of(lambda home=home: land(home, [source], "run", datetime.now(timezone.utc)))  # type: ignore[misc]
                )
    return median(spent[True]), median(spent[False])


def whole_run(source: Source, settings: Settings) -> Span:
    """A first run of the sample, with its parts."""
    settings.home.mkdir(parents=True)
    with profile("run") as root:
        main_job(Run(settings, [source], None, Progress()))
    return root


def of_parts(root: Span, names: tuple[str, ...]) -> float:
    """CPU seconds of the outermost parts whose name has one of these words in it."""

    def within(span: Span) -> float:
        if any(name in span.name for name in names):
            return span.cpu_s
        return sum(within(child) for child in span.children)

    return within(root)


def checks_of_classes() -> None:
    """What a build asks of the declaration, read anew."""
    classes._classes.cache_clear()
    uses._declared.cache_clear()
    classes.check_entities()
    uses.check_uses(
        {f"stg_{name}": columns for name, columns in classes._classes()._entities.items() if name != "customers"}
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = load_settings(home=folder / "home")
        shop = folder / "shop"
        generate(shop, customers=settings.sample_customers, days=settings.sample_days, seed=settings.sample_seed)
        source = load_source(shop / "source.yml")
        protected, clear = landing(source, folder, asked.turns)
        declared = median(cpu_of(checks_of_classes) for _ in range(5))
        root = whole_run(source, settings)
        with open_keyring(settings) as keyring:
            now = datetime.now(timezone.utc)
            line = median(
                cpu_of(lambda: audit.record(settings, keyring, now, "benchmark", "reveal", reason="measured"))
                for _ in range(20)
            )
    without = root.cpu_s - (protected - clear)
    rows = [
        ("masks, vault, identifiers in words", protected - clear, f"landing {clear:.2f} without, {protected:.2f} with"),
        ("consent (its own models)", of_parts(root, CONSENT), "parts of the profile"),
        ("classes, checked by a build", declared, "called alone"),
        ("audit log, a line", line, "written alone, not part of a run"),
    ]
    print(f"a run of the sample: {root.cpu_s:.1f} CPU s; without masks and vault {without:.1f} (by difference)")
    for what, seconds, how in rows:
        print(f"{what:<36} {seconds:8.3f} CPU s  {seconds / without:7.2%} of the run  {how}")


if __name__ == "__main__":
    main()
