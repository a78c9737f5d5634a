"""Parquet files and Delta folders: of every type, and damaged."""

from __future__ import annotations

import io
import json
import os
import shutil
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import write_deltalake

from tests.fuzz.account import footer_rows, rows_by_name

_UTC = timezone.utc
COLUMNS: list[tuple[str, pa.DataType, list[Any], list[str] | None]] = [
    ("text", pa.string(), ["a", "茶", "", "=1+1", 'q"', "a\nb"], ["a", "茶", "", "=1+1", 'q"', "a\nb"]),
    ("large", pa.large_string(), ["a", "b"], ["a", "b"]),
    ("view", pa.string_view(), ["a", "a longer text than twelve bytes"], ["a", "a longer text than twelve bytes"]),
    ("coded", pa.dictionary(pa.int32(), pa.string()), ["x", "y", "z"], ["x", "y", "z"]),
    ("whole", pa.int64(), [0, -(2**63), 2**63 - 1], ["0", str(-(2**63)), str(2**63 - 1)]),
    ("unsigned", pa.uint64(), [0, 2**64 - 1], ["0", str(2**64 - 1)]),
    ("small", pa.int8(), [-128, 127], ["-128", "127"]),
    ("flag", pa.bool_(), [True, False], ["true", "false"]),
    ("real", pa.float64(), [1.5, float("nan"), float("inf"), -0.0, 1e300], None),
    ("half", pa.float16(), [1.5, 2.0], None),
    ("money", pa.decimal128(18, 2), [Decimal("1.50"), Decimal("-0.01")], ["1.50", "-0.01"]),
    ("huge", pa.decimal256(60, 5), [Decimal("1" * 50 + ".00001")], ["1" * 50 + ".00001"]),
    ("on", pa.date32(), [date(1, 1, 1), date(9999, 12, 31)], ["0001-01-01", "9999-12-31"]),
    ("at", pa.timestamp("us", "UTC"), [datetime(2025, 1, 2, 3, 4, 5, 6, _UTC)], ["2025-01-02T03:04:05.000006Z"]),
    ("far", pa.timestamp("ms"), [-(10**14), 10**15], None),
    ("nanos", pa.timestamp("ns", "Asia/Shanghai"), [1, 10**18], None),
    ("clock", pa.time64("us"), [time(23, 59, 59, 999999)], None),
    ("span", pa.duration("ms"), [timedelta(days=1)], ["86400000"]),
    ("bytes", pa.binary(), [b"a", b"\xff\0"], ["a", "\\xff\x00"]),
    ("fixed", pa.binary(2), [b"ab"], ["ab"]),
    ("nothing", pa.null(), [None], [None]),
    ("list", pa.list_(pa.int32()), [[1, 2], []], ["[1,2]", "[]"]),
    ("struct", pa.struct([("a", pa.int32()), ("b", pa.string())]), [{"a": 1, "b": "x"}], ['{"a":1,"b":"x"}']),
    ("map", pa.map_(pa.string(), pa.int32()), [[("a", 1)]], None),
    ("days", pa.list_(pa.date32()), [[date(2025, 1, 1)]], ['["2025-01-01"]']),
    ("farthest", pa.list_(pa.timestamp("s")), [[10**15]], None),
    (
        "nested",
        pa.list_(pa.struct([("m", pa.map_(pa.string(), pa.list_(pa.float64())))])),
        [[{"m": [("k", [1.0])]}]],
        None,
    ),
]


def _table(random: Random, rows: int) -> tuple[pa.Table, list[tuple[tuple[str, str], ...]]]:
    """A table with some of the columns, and its rows as the text that bronze is to show, as far as it is known."""
    chosen = random.sample(COLUMNS, random.randint(1, 8))
    arrays, texts, names = [], [], []
    for name, kind, values, shown in chosen:
        picks = [None if random.random() < 0.1 else random.randrange(len(values)) for _ in range(rows)]
        arrays.append(pa.array([None if p is None else values[p] for p in picks], kind))
        names.append(random.choice([name, name, name, name.upper(), f"{name} (x)", f"{name};=", f"`{name}.y`"]))
        if shown is not None:
            texts.append((names[-1], [None if p is None else shown[p] for p in picks]))
    known = [name for name, _ in texts]
    table = pa.Table.from_arrays(arrays, names)
    return table, rows_by_name(list(zip(*(column for _, column in texts))), known)


def _bytes(random: Random, table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    settings = {
        "compression": random.choice(["none", "snappy", "gzip", "zstd"]),
        "use_dictionary": random.random() < 0.5,
        "row_group_size": random.choice([7, 100, 10_000]),
        "data_page_version": random.choice(["1.0", "2.0"]),
        "write_page_checksum": random.random() < 0.5,
        **options,
    }
    pq.write_table(table, sink, **settings)
    return sink.getvalue()


def parquet_case(random: Random, number: int) -> Any:
    """A Parquet file: whole, or damaged somewhere, or under a wrong name."""
    from tests.fuzz.cases import Case

    table, texts = _table(random, random.choice([0, 1, 5, 40, 1000]))
    kind = random.choice(
        [
            "intact",
            "intact",
            "flipped data",
            "flipped footer",
            "flipped",
            "cut",
            "cut out",
            "joined",
            "followed by bytes",
            "zeroed",
            "another suffix",
            "same names",
            "not UTF-8",
        ]
    )
    name, verdict, must = f"f{number}.parquet", "either", texts
    content = _bytes(random, table)
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    if kind == "intact":
        verdict = "land"
    elif kind == "flipped data":  # with checksums a flip is found, or has hit what is not read
        checked = _bytes(random, table, write_page_checksum=True)
        content = _flipped(random, checked, 4, len(checked) - 8 - int.from_bytes(checked[-8:-4], "little"))
    elif kind == "flipped footer":
        content, must = _flipped(random, content, footer, len(content) - 8), []
    elif kind == "flipped":
        content, must = _flipped(random, content, 0, len(content)), []
    elif kind == "cut":
        content, verdict = content[: random.randrange(len(content))], "refuse"
    elif kind == "cut out":
        start = random.randrange(4, len(content) - 8)
        content, must = content[:start] + content[start + random.choice([1, 2, 100]) :], []
    elif kind == "joined":
        content = content + content
    elif kind == "followed by bytes":
        content, verdict = content + random.choice([b"\0", b"x" * 99, b"PAR1x"]), "refuse"
    elif kind == "zeroed":
        start = random.randrange(4, len(content))
        end = min(len(content), start + random.choice([8, 64, 4096]))
        content, must = content[:start] + bytes(end - start) + content[end:], []
    elif kind == "another suffix":
        name = f"f{number}" + random.choice(["", ".csv", ".json", ".gz", ".parquet.gz", ".PARQUET", ".snappy.parquet"])
    elif kind == "same names":
        names = [random.choice(["id", "ID", "Id", "name"]) for _ in table.column_names]
        table, must, verdict = table.rename_columns(names), [], "land"
        content = _bytes(random, table)
    else:
        bad = pa.array([b"ok", b"\xff\xfe", b"\xed\xa0\x80", None]).view(pa.string())
        content, must = (
            _bytes(
                random, pa.table({"id": bad, "list": pa.array([[b"\xff"]] * 4).cast(pa.list_(pa.string()), safe=False)})
            ),
            [],
        )

    def write(folder: Path) -> None:
        (folder / name).write_bytes(content)

    return Case(number, f"parquet: {kind}", name, {}, write, rows=footer_rows(content), must_land=must, verdict=verdict)


def delta_case(random: Random, number: int) -> Any:
    """A Delta folder of a few commits: whole, or with a log or a part that is damaged or gone."""
    from tests.fuzz.cases import Case

    kind = random.choice(
        [
            "intact",
            "intact",
            "log flipped",
            "log cut",
            "part gone",
            "part cut",
            "part flipped",
            "log gone",
            "log empty",
            "first commit gone",
            "a stray file",
            "a part of another table",
        ]
    )
    partition = random.random() < 0.3
    values = [f"v{random.randrange(9)}" for _ in range(random.choice([1, 30, 300]))]
    pick, flip = random.random(), Random(random.random())

    def write(folder: Path) -> None:
        path = folder / "f.delta"
        for commit in range(3):
            table = pa.table({"id": [f"{commit}-{i}" for i in range(len(values))], "v": values, "d=é": values})
            write_deltalake(path, table, mode="append", partition_by=["v"] if partition else None)
        log = sorted((path / "_delta_log").glob("*.json"))
        parts = sorted(path.rglob("*.parquet"))
        chosen, part = log[int(pick * len(log))], parts[int(pick * len(parts))]
        if kind == "log flipped":
            chosen.write_bytes(_flipped(flip, chosen.read_bytes(), 0, chosen.stat().st_size))
        elif kind == "log cut":
            os.truncate(chosen, int(chosen.stat().st_size * pick))
        elif kind == "part gone":
            part.unlink()
        elif kind == "part cut":
            os.truncate(part, int(part.stat().st_size * pick))
        elif kind == "part flipped":
            part.write_bytes(_flipped(flip, part.read_bytes(), 0, part.stat().st_size))
        elif kind == "log gone":
            shutil.rmtree(path / "_delta_log")
        elif kind == "log empty":
            for commit_file in log:
                commit_file.unlink()
        elif kind == "first commit gone":
            log[0].unlink()
        elif kind == "a stray file":
            (path / "_delta_log" / "00000000000000000009.json").write_text("{}")
        elif kind == "a part of another table":
            pq.write_table(pa.table({"other": [1, 2]}), part)

    verdict = {"intact": "land", "part gone": "refuse", "log gone": "refuse", "log empty": "refuse"}.get(kind, "either")
    found = Case(number, f"delta: {kind}", "f.delta", {}, write, verdict=verdict)
    if kind == "intact":
        found.rows = 3 * len(values)
        found.must_land = rows_by_name(
            [(f"{commit}-{i}", v, v) for commit in range(3) for i, v in enumerate(values)], ["id", "v", "d=é"]
        )
    return found


def delta_rows(path: Path) -> int | None:
    """Rows of the parts that the log's commits leave, by their footers; None where that cannot be told."""
    live: set[str] = set()
    try:
        for commit in sorted((path / "_delta_log").glob("*.json")):
            for line in commit.read_text(encoding="utf-8").splitlines():
                action = json.loads(line)
                live |= {action["add"]["path"]} if "add" in action else set()
                live -= {action["remove"]["path"]} if "remove" in action else set()
        counts = [footer_rows((path / unquote(part)).read_bytes()) for part in live]
        return None if None in counts else sum(filter(None, counts))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _flipped(random: Random, content: bytes, start: int, end: int) -> bytes:
    spoilt = bytearray(content)
    for _ in range(random.choice([1, 1, 2, 5])):
        spoilt[random.randrange(start, max(start + 1, end))] ^= 1 << random.randrange(8)
    return bytes(spoilt)
