"""`make privacy`: every protection shown on a real home, and one table of what was shown; then what each of them costs.

python -m tests.privacy [--no-cost] [--examples N]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from rich.console import Console
from rich.table import Table

from lakehouse.settings import CHECKOUT

UNIT, INTEGRATION = "tests/unit/privacy", "tests/integration"
OF_MASKS = ("*masks*", "test_privacy.py", "*protection*", "*free_text*")


@dataclass
class Group:
    """Tests of one protection; `shown` says what they show, `figures` what they measured."""

    protection: str
    shown: str
    paths: list[str]
    environment: dict[str, str] = field(default_factory=dict)


def groups(examples: int) -> list[Group]:
    """In the order of the table; files that are not there are left to the figure, which says so."""
    return [
        Group("a whole run over planted values", "nothing leaves the vault; keys, log, erasure", ["tests/privacy"]),
        Group("the scanner", "finds each encoding in each container", [f"{UNIT}/test_leaks.py"]),
        Group("erasure", "people are gone everywhere, for good", found("*eras*")),
        Group("retention", "what is too old goes, the rest stays", found("*retention*")),
        Group("rights", "access, rectification, restriction", found("*subject*", "*rights*", "*rectif*", "*restrict*")),
        Group(
            "consent",
            "nobody is contacted without it, in random histories",
            [f"{INTEGRATION}/test_consent.py"],
            {"LAKEHOUSE_CONSENT_EXAMPLES": str(examples)},
        ),
        Group("keys", "rotation, loss, kills", [f"{UNIT}/test_keyring.py", f"{UNIT}/test_vault.py"]),
        Group("audit log", "every change is found", [f"{UNIT}/test_audit.py"]),
        Group("masks", "no value whole above the vault", found(*OF_MASKS)),
        Group("verdicts", "keys and counts only", [f"{INTEGRATION}/test_no_personal_data_in_verdicts.py"]),
        Group("classes", "a column without one stops the build", [f"{UNIT}/test_classes.py", f"{UNIT}/test_guess.py"]),
        Group(
            "k-anonymity",
            "groups of five at least, in random tables",
            [f"{INTEGRATION}/test_k_anonymity.py"],
            {"LAKEHOUSE_ANONYMITY_EXAMPLES": str(max(examples // 10, 3))},
        ),
        Group("noise", "its size, small groups, the budget's end", [f"{UNIT}/test_noisy_counts.py"]),
    ]  # fmt: skip


def found(*patterns: str) -> list[str]:
    """Test files of these names, wherever they are; none is told in the table."""
    return sorted(
        {
            str(path.relative_to(CHECKOUT))
            for pattern in patterns
            for folder in (UNIT, INTEGRATION, "tests/unit/bronze")
            for path in (CHECKOUT / folder).glob(pattern)
            if path.name.startswith("test_") and path.suffix == ".py"
        }
    )


@dataclass
class Outcome:
    """What the tests of a group came to."""

    passed: int = 0
    failed: int = 0
    skipped: list[str] = field(default_factory=list)
    figures: list[tuple[str, str]] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """In a word or two; tests that were left out are counted as what they are."""
        left_out = f", {len(self.skipped)} left out" if self.skipped else ""
        if self.failed:
            return f"{self.failed} FAILED{left_out}"
        return f"{self.passed} passed{left_out}" if self.passed else "NOT SHOWN"


def run(group: Group, folder: Path) -> Outcome:
    """Run a group's tests in a process of their own."""
    outcome, report = Outcome(), folder / "report.xml"
    report.unlink(missing_ok=True)
    if not group.paths:
        return outcome
    command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *group.paths]
    subprocess.run(command, cwd=CHECKOUT, env={**os.environ, **group.environment, "PYTHONHASHSEED": "0"}, check=False)
    if not report.exists():
        outcome.failed = 1
        return outcome
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        skipped, broken = case.find("skipped"), [*case.iter("failure"), *case.iter("error")]
        if skipped is not None:
            outcome.skipped.append(f"{case.get('name')}: {skipped.get('message')}")
        elif broken:
            outcome.failed += 1
        else:
            outcome.passed += 1
            outcome.figures += [(str(p.get("name")), str(p.get("value"))) for p in case.iter("property")]
    return outcome


def rows(group: Group, outcome: Outcome) -> Iterator[tuple[str, str, str]]:
    """Of the table: the group, and below it each figure."""
    yield group.protection, group.shown, outcome.verdict
    for name, figure in outcome.figures:
        yield f"  {name}", figure, ""
    for left_out in outcome.skipped:
        yield "  left out", left_out, ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-cost", action="store_true", help="do not measure what protections cost")
    parser.add_argument("--examples", type=int, default=200, help="random histories of consent")
    asked = parser.parse_args()
    table = Table("protection", "what was shown", "verdict", box=None, pad_edge=False)
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for group in groups(asked.examples):
            outcome = run(group, Path(folder))
            failed += outcome.failed
            for row in rows(group, outcome):
                table.add_row(*row)
    screen = Console(width=None if sys.stdout.isatty() else 180)
    screen.print(table)
    if not asked.no_cost:
        environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
        command = [sys.executable, "benchmarks/privacy_cost.py"]
        measured = subprocess.run(command, cwd=CHECKOUT, env=environment, check=False)
        failed += measured.returncode != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
