"""Puts cases before the landing, one by one, and audits what the tables hold afterwards."""

from __future__ import annotations

import re
import resource
import shutil
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
from deltalake import DeltaTable

from lakehouse import ops
from lakehouse.bronze import Load, land
from lakehouse.errors import InputError, LakehouseError
from lakehouse.settings import load_settings
from lakehouse.sources import parse_source
from tests.fuzz.account import Account, Found, account_of_csv, account_of_json, unpacked
from tests.fuzz.cases import Case, make_case
from tests.fuzz.columnar import delta_rows

_CASES_PER_HOME = 10
"""A Delta log of many commits makes each further one slower; fewer cases a home and homes would be the cost."""
_START = datetime(2025, 1, 1, tzinfo=timezone.utc)
_COLUMNS = {"product_id": "concat(_file, '-', _row_number)"}
_GOOD = b"id,name\n1,tea\n2,\n"


@dataclass
class Outcome:
    """What became of a case; `faults` is empty where all is as it must be."""

    number: int
    kind: str
    state: str = "landed"
    rows: int = 0
    read: int = 0
    landed: int = 0
    quarantined: int = 0
    lost: int = 0
    files: int = 1
    refusal: str = ""
    seconds: float = 0.0
    peak_mib: int = 0
    faults: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Feeder:
    """A folder with a home that is renewed now and then, in which cases are landed."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.seed = folder, seed
        self._template = folder / "template"
        self._fed = 0
        self.settings = load_settings(home=self._template)
        land(self.settings, [], "template", _START)
        self._renew()

    def feed(self, number: int) -> Outcome:
        """Land one case, judge it, and show that the home still takes a good file."""
        if self._fed % _CASES_PER_HOME == 0 and self._fed:
            self._renew()
        self._fed += 1
        case = make_case(self.seed, number)
        place = self.folder / "in" / str(number)
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        outcome = Outcome(number, case.kind)
        case.write(place)
        reset_peak()
        began = time.monotonic()
        loads: list[Load] = []
        try:
            loads = self._land(f"s{number}", place, case.path, case.options, case, number)
        except LakehouseError as refusal:
            outcome.state, outcome.refusal = "refused", _short_reason(str(refusal), place)
            _judge_refusal(outcome, refusal, case)
        except BaseException as fault:
            outcome.state = "fault"
            where = traceback.extract_tb(fault.__traceback__)[-1]
            outcome.faults.append(
                f"{type(fault).__name__}: {str(fault)[:300]} ({Path(where.filename).name}:{where.lineno})"
            )
        outcome.seconds = time.monotonic() - began
        outcome.peak_mib = peak_mib()
        try:
            self._audit(outcome, case, place, loads)
        except Exception as fault:
            where = traceback.extract_tb(fault.__traceback__)[-1]
            outcome.faults.append(f"the audit failed: {fault!r} ({where.filename}:{where.lineno})"[:500])
        if outcome.seconds > case.deadline:
            outcome.faults.append(f"took {outcome.seconds:.0f} s")
        if outcome.state != "landed" or number % 10 == 0:
            self._good_file_lands(outcome, number)
        shutil.rmtree(place, ignore_errors=True)
        return outcome

    def _land(self, name: str, folder: Path, path: Any, options: Any, case: Case | None, number: int) -> list[Load]:
        definition = {"path": path, "columns": _COLUMNS, **options}
        source = parse_source({"name": name, "entities": {"products": definition}}, folder)

        def progress(_: str) -> None:
            if case is not None and case.meanwhile is not None:
                meanwhile, case.meanwhile = case.meanwhile, None
                meanwhile(folder)

        return land(self.settings, [source], "fuzz", _START + timedelta(seconds=number), progress)

    def _audit(self, outcome: Outcome, case: Case, place: Path, loads: list[Load]) -> None:
        tell = outcome.faults.append
        batches = {load.batch_id for load in loads}
        only_count = case.text is None and not case.must_land
        products = _rows_of(
            self.settings.table_path("bronze", "products"),
            ds.field("_source") == f"s{case.number}",
            ["_row_number"] if only_count else None,
        )
        quarantine = _rows_of(
            self.settings.table_path("bronze", "quarantine"),
            ds.field("source") == f"s{case.number}",
            ["row_number"] if only_count else None,
        )
        written = [row for row in ops.read(self.settings, "loads") if row["source"] == f"s{case.number}"]
        outcome.landed, outcome.quarantined = products.num_rows, quarantine.num_rows
        outcome.read = sum(row["rows_read"] for row in written)
        if case.kind.startswith("changing"):  # of two files the first may have landed
            batches = {row["batch_id"] for row in written}
        elif outcome.state != "landed":
            if products.num_rows or quarantine.num_rows or written:
                left = f"{products.num_rows} rows landed, {quarantine.num_rows} quarantined, {len(written)} loads"
                tell(f"refused, but {left}")
            return
        if {row["batch_id"] for row in written} != batches:
            tell("ops.loads does not tell of the batches that landed")
        told = (sum(row["rows_landed"] for row in written), sum(row["rows_quarantined"] for row in written))
        if told != (outcome.landed, outcome.quarantined):
            tell(f"ops.loads says {told} landed and quarantined, the tables hold {outcome.landed, outcome.quarantined}")
        if outcome.read != outcome.landed + outcome.quarantined:
            tell(f"{outcome.read} read, {outcome.landed} landed, {outcome.quarantined} quarantined")
        numbers = sorted(products["_row_number"].to_pylist() + quarantine["row_number"].to_pylist())
        if len(written) == 1 and numbers != list(range(1, len(numbers) + 1)):
            tell("rows are not numbered from 1 to their count")
        outcome.files, outcome.rows = len(written), outcome.read
        if outcome.state == "landed":
            if case.verdict == "refuse":
                tell("landed, but must be refused")
            self._account(outcome, case, place, products, quarantine)
            outcome.lost = max(0, outcome.rows - outcome.landed - outcome.quarantined)
            if outcome.rows != outcome.read:
                tell(f"{outcome.rows} rows by an independent count, {outcome.read} read")

    def _account(self, outcome: Outcome, case: Case, place: Path, products: Any, quarantine: Any) -> None:
        """The rows by an independent count, and whether each is what stands in the file."""
        if case.kind.startswith("delta"):
            outcome.rows = delta_rows(place / "f.delta") if case.rows is None else case.rows
            outcome.rows = outcome.read if outcome.rows is None else outcome.rows
        elif case.rows is not None:
            outcome.rows = case.rows
        stored = next(
            row["raw_columns"] for row in ops.read(self.settings, "sources") if row["source"] == f"s{case.number}"
        )
        if case.must_land or case.text is not None:
            found = _found(dict(stored), products, quarantine)
            missing = Counter(case.must_land) - Counter(_row(values, case) for values in found.landed.values())
            if missing:
                outcome.faults.append(
                    f"{missing.total()} untouched rows did not land, as {next(iter(missing))!r}"[:400]
                )
            if case.text is not None:
                self._walk(outcome, case, found)

    def _walk(self, outcome: Outcome, case: Case, found: Found) -> None:
        content = unpacked(case.text or b"")
        if content is None:
            outcome.faults.append("landed, but its compression is damaged")
            return
        account: Account = (account_of_json if _looks_json(case, content) else account_of_csv)(
            content, case.options, found
        )
        outcome.faults += account.faults
        if not account.faults:
            outcome.rows = account.rows

    def _good_file_lands(self, outcome: Outcome, number: int) -> None:
        folder = self.folder / "in" / "good"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "good.csv").write_bytes(_GOOD + b"%d,x\n" % number)
        try:
            loads = self._land("good", folder, "good.csv", {}, None, number)
            if [(load.rows_landed, load.rows_quarantined) for load in loads] != [(3, 0)]:
                outcome.faults.append(f"afterwards a good file gave {loads}")
        except BaseException as fault:
            outcome.faults.append(f"afterwards a good file did not land: {fault!r}"[:400])

    def _renew(self) -> None:
        home = self.folder / "home"
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(self._template, home)
        self.settings = load_settings(home=home)


def feed_all(folder: Path, seed: int, numbers: range) -> Iterator[Outcome]:
    """Every case of `numbers`, in one process."""
    feeder = Feeder(folder, seed)
    for number in numbers:
        yield feeder.feed(number)


def limit_memory(mib: int) -> None:
    """A fuse against a bomb that would take the machine: allocations beyond it fail."""
    resource.setrlimit(resource.RLIMIT_AS, (mib << 20, mib << 20))


def _judge_refusal(outcome: Outcome, refusal: LakehouseError, case: Case) -> None:
    said = str(refusal)
    if not isinstance(refusal, InputError):
        outcome.faults.append(f"exit code 1 for bad input: {said[:300]}")
    if not all(c.isprintable() for c in said):
        outcome.faults.append(f"the sentence is not one printable line: {said[:300]!r}")
    if len(said) > 1500:
        outcome.faults.append(f"the sentence has {len(said)} characters: {said[:200]!r}")
    paths = [case.path] if isinstance(case.path, str) else case.path
    if (
        not any(Path(path).name.split("*")[-1][:40] in said or f"f{case.number}" in said for path in paths)
        and "odd" not in case.kind
    ):
        outcome.faults.append(f"the sentence does not name the file: {said[:300]!r}")
    if case.verdict == "land":
        outcome.faults.append(f"refused, but must land: {said[:300]!r}")


def _looks_json(case: Case, content: bytes) -> bool:
    name = str(case.path).lower()
    for suffix in (".gz", ".bz2", ".zst"):
        name = name.removesuffix(suffix)
    if name.endswith((".csv", ".txt", ".tsv")):
        return False
    if name.endswith((".json", ".jsonl", ".ndjson")):
        return True
    return content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")


def _found(stored: dict[str, str], products: Any, quarantine: Any) -> Found:
    columns = {raw: products[column].to_pylist() for raw, column in stored.items()}
    numbers = products["_row_number"].to_pylist()
    landed = {n: {raw: column[i] for raw, column in columns.items()} for i, n in enumerate(numbers)}
    set_aside = zip(*(quarantine[name].to_pylist() for name in ("row_number", "reason", "raw")))
    return Found(landed, {number: (reason, raw) for number, reason, raw in set_aside}, list(stored))


def _row(values: dict[str, str | None], case: Case) -> tuple[tuple[str, str], ...]:
    known = {name for row in case.must_land for name, _ in row}
    return tuple(sorted((name, value) for name, value in values.items() if value is not None and name in known))


def _rows_of(table: Path, which: Any, columns: list[str] | None) -> Any:
    return DeltaTable(table).to_pyarrow_dataset().to_table(filter=which, columns=columns)


def _short_reason(said: str, place: Path) -> str:
    said = re.sub(
        r"\S*"
        + re.escape(str(place))
        + r"(/[^:,;]*?)?(?= (is|has|does|cannot|changed|holds|holds|was|went|ends|could)\b|[:,;]|$)",
        "FILE",
        said,
    )
    said = re.sub(r"`[^`]*`|'[^']*'|\"[^\"]*\"", "…", said)
    return re.sub(r"\d[\d,]*", "N", said)[:110]


def reset_peak() -> None:
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_mib() -> int:
    """The most that this process has held at once since `reset_peak`."""
    try:
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) >> 10
    except (OSError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
