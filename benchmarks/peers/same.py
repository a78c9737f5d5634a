"""Whether a peer's tables hold the rows and values of ours.

python same.py OURS PEERS {bronze,silver,expectations,gold,merge,tiny}

Both are folders of Delta tables. Every column of the peer's is compared (`_file` and `_row_number` apart), numbers that
are not decimals to nine digits; a table of gold must have the columns of ours, of the same types, nested ones too.
Prints a line per table and ends with 1 if any row is only on one side.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import duckdb
from duckdb_lakehouse import connect, scan

PLACE = ("_file", "_row_number")
PAIRS = {
    "bronze": [("bronze/order_lines", "bronze/order_lines"), ("bronze/events", "bronze/events")],
    "silver": [("silver/order_lines", "silver/order_lines"), ("silver/events", "silver/events")],
    "tiny": [(f"gold/tiny_{number}", f"tiny/tiny_{number}") for number in (1, 25)],
    "gold": [
        ("gold/feat_activity", "gold/activity"),
        *((f"gold/feat_customer_{name}", f"gold/{name}") for name in ("history", "rfm", "behaviour")),
    ],
}
WHOLE = "gold"
"""Where a peer may leave out no column."""
# After a merge a peer's judgements of old rows stand as they were; ours are made anew.
NOT_JUDGED_AGAIN = ("is_quantity_outlier", "is_price_outlier", "is_near_duplicate", "source_row_count")


def columns(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """Name and type of each column."""
    return {row[0]: row[1] for row in connection.sql(f"describe select * from {table}").fetchall()}


def spelled(name: str, kind: str) -> str:
    """The column in a form that two writers agree on; lists as text, for an empty one has the hash of null."""
    if kind in ("DOUBLE", "FLOAT"):
        return f"case when {name} != 0 then round({name}, 9 - floor(log10(abs({name})))::integer - 1) else {name} end"
    if kind.startswith("MAP"):
        return f"list_sort(list_transform(map_entries({name}), lambda x: concat(x.key, '=', x.value)))::varchar"
    if kind.endswith("[]"):
        return f"{name}::varchar"
    return name


def compare(ours: Path, peers: Path, left_out: tuple[str, ...]) -> tuple[int, int, int]:
    """Rows of ours, rows only in ours, rows only in the peer's."""
    connection = connect()
    a, b = scan(ours), scan(peers)
    kinds, theirs = columns(connection, a), columns(connection, b)
    if missing := set(theirs) - set(kinds) - set(PLACE):
        raise SystemExit(f"{peers}: ours has no {', '.join(sorted(missing))}")
    if peers.parent.name == WHOLE and (other := kinds.items() ^ theirs.items()):
        raise SystemExit(
            f"{peers}: columns or types differ from ours: {', '.join(sorted({name for name, _ in other}))}"
        )
    names = [name for name in theirs if name not in (*PLACE, *left_out)]
    picked = ", ".join(f"{spelled(name, kinds[name])} as {name}" for name in names)
    [(rows,)] = connection.sql(f"select count(*) from {a}").fetchall()
    # Counted by hash: two sets of ten million wide rows do not fit in memory side by side.
    connection.execute(
        f"create temp table a as select hash(x) as h, count(*) as n from (select {picked} from {a}) x group by 1"
    )
    connection.execute(
        f"create temp table b as select hash(x) as h, count(*) as n from (select {picked} from {b}) x group by 1"
    )
    [(more, less)] = connection.sql(
        "select coalesce(sum(greatest(coalesce(a.n, 0) - coalesce(b.n, 0), 0)), 0)::bigint, "
        "coalesce(sum(greatest(coalesce(b.n, 0) - coalesce(a.n, 0), 0)), 0)::bigint from a full join b using (h)"
    ).fetchall()
    return rows, more, less


def compare_verdicts(ours: Path, peers: Path) -> None:
    """Every rule that both judge must count the same failing rows, and the peer must judge at least ten.

    Raises:
        SystemExit: names the rules that differ.
    """
    a, b = (json.loads((tables.parent / "expectations.json").read_text()) for tables in (ours, peers))
    if missing := set(b) - set(a):
        raise SystemExit(f"ours does not judge {', '.join(sorted(missing))}")
    if differing := [f"{rule}: {a[rule]:,} and {b[rule]:,}" for rule in b if a[rule] != b[rule]]:
        raise SystemExit(f"failing rows differ: {'; '.join(differing)}")
    print(f"{len(b)} rules of {len(a)} count the same failing rows")


def main() -> None:
    ours, peers, step = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    if step == "expectations":
        compare_verdicts(ours, peers)
        return
    differing = 0
    for table, theirs in PAIRS["silver" if step == "merge" else step]:
        rows, more, less = compare(ours / table, peers / theirs, NOT_JUDGED_AGAIN if step == "merge" else ())
        print(f"{table}: {rows:,} rows, {more:,} only ours, {less:,} only the peer's")
        differing += more + less
    raise SystemExit(1 if differing else 0)


if __name__ == "__main__":
    main()
