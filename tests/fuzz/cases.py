"""One case of a fuzz run: a seed and a number always give the same file, options and expectation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz import bombs, columnar, mutations, places
from tests.fuzz.account import rows_by_name
from tests.fuzz.wellformed import PACKERS, TextFile, csv_file, json_file

Row = tuple[tuple[str, str], ...]


@dataclass
class Case:
    """What is put before the landing.

    `path` is what the source file says, seen from the case's folder. `meanwhile` is called when the landing has read
    its first block. `rows` is an independent count of a file whose rows are not walked as text; `must_land` are rows
    that must be found in bronze if the file is not refused; `verdict` is `land`, `refuse` or `either`.
    """

    number: int
    kind: str
    path: str | list[str]
    options: dict[str, Any]
    write: Callable[[Path], None]
    text: bytes | None = None
    is_json: bool = False
    rows: int | None = None
    must_land: list[Row] = field(default_factory=list)
    verdict: str = "either"
    meanwhile: Callable[[Path], None] | None = None
    deadline: float = 60.0


def make_case(seed: int, number: int) -> Case:
    """The case of this number."""
    random = Random(f"{seed}/{number}")
    if number % bombs.EVERY == bombs.EVERY - 1:
        return bombs.case(number)
    if number % bombs.EVERY == bombs.EVERY // 2:
        return _text(random, number, mutations.long_line)
    make = random.choices([_text, columnar.parquet_case, columnar.delta_case, places.case], [78, 12, 4, 6])[0]
    return make(random, number)


def _text(random: Random, number: int, mutate: mutations.Mutation | None = None) -> Case:
    is_json = random.random() < 0.35
    file = json_file(random) if is_json else csv_file(random)
    choice = mutations.ANY_TEXT + (mutations.JSON_ONLY if is_json else mutations.CSV_ONLY)
    mutate = mutate or mutations.pick(random, choice)
    mutated = mutate(random, file)
    packing = random.choice(["none", "none", "none", "gzip", "bz2", "zstd"])
    kind = f"{'json' if is_json else 'csv'}: {mutate.__name__.replace('_', ' ')}"
    pack, suffix = PACKERS[packing]
    name, content = f"f{number}{file.suffix}{suffix}", pack(mutated.content)
    untouched = mutated.untouched if not file.is_wide or mutate is mutations.intact else None
    verdict = "land" if mutate is mutations.intact else "either"
    if packing != "none" and random.random() < 0.4:
        spoil = random.choice(_SPOILT_PACKING)
        name, content = spoil(random, name, content, pack)
        kind, untouched, verdict = f"{packing}: {spoil.__name__.strip('_').replace('_', ' ')}", None, "either"
    elif random.random() < 0.03:
        kind, untouched, verdict = "another suffix", None, "either"
        name = f"f{number}" + random.choice(
            ["", ".csv", ".json", ".parquet", ".gz", ".zst", ".bz2", ".csv.gz", ".xlsx", ".CSV"]
        )
    must = _untouched_rows(file, untouched)
    return Case(number, kind, name, dict(file.options), _writer(name, content), content, is_json, None, must, verdict)


def _untouched_rows(file: TextFile, untouched: set[int] | None) -> list[Row]:
    names = file.names if file.options.get("header") != "false" else [f"_c{i}" for i in range(len(file.names))]
    return rows_by_name([file.values[i] for i in sorted(untouched or ())], names)


def _writer(name: str, content: bytes) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / name).write_bytes(content)

    return write


def _cut_short(random: Random, name: str, content: bytes, pack: Any) -> tuple[str, bytes]:
    return name, content[: random.randrange(4, len(content))]


def _flipped(random: Random, name: str, content: bytes, pack: Any) -> tuple[str, bytes]:
    spoilt = bytearray(content)
    for _ in range(random.choice([1, 1, 3])):
        spoilt[random.randrange(4, len(spoilt))] ^= 1 << random.randrange(8)
    return name, bytes(spoilt)


def _several_members(random: Random, name: str, content: bytes, pack: Any) -> tuple[str, bytes]:
    return name, content + pack(b"") * random.randint(0, 2) + content


def _followed_by_bytes(random: Random, name: str, content: bytes, pack: Any) -> tuple[str, bytes]:
    return name, content + random.choice([b"\0", b"\0" * 600, b"rest", b"\x1f\x8b", b"\n", content[:9]])


def _packed_twice(random: Random, name: str, content: bytes, pack: Any) -> tuple[str, bytes]:
    return name, pack(content)


def _under_another_suffix(random: Random, name: str, content: bytes, pack: Any) -> tuple[str, bytes]:
    return name.rsplit(".", 1)[0] + random.choice(["", ".gz", ".bz2", ".zst"]), content


_SPOILT_PACKING = [_cut_short, _flipped, _several_members, _followed_by_bytes, _packed_twice, _under_another_suffix]
