"""Ten dashboard queries through the analysts' SQL server, asked by one person and by ten at once.

    python benchmarks/sql_dashboards.py --from HOME --customers 200000 [--scratch FOLDER] [--memory 1g]

The gold tables are those of HOME (a finished `lakehouse run`), each customer with what belongs to them repeated under
other ids until there are so many: as many rows and files as a shop of that size has, with the distribution of HOME.
Twice: with texts of their own, each of which is worked out, and with the same texts, as dashboards ask. Times are what
PyHive waits, from the statement to its last row, over one connection per person, on a server that has said it is ready.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import write_deltalake
from pyhive import hive

from lakehouse.publication import current, publish
from lakehouse.settings import Settings, load_settings
from lakehouse.storage import delta_table

OWN_IDS = ("customer_id", "order_id", "session_id", "impression_id", "happening_id", "ticket_id")
ROWS_OF_A_FILE = 1_000_000
AS_THEY_ARE = ("gold.feat_activity", "gold.feat_interactions", "gold.feat_customer_tags", "gold.feat_ticket_text")
"""Features of single events and words, which no dashboard reads: not repeated."""
QUERIES = {
    "customers and value": "select count(*) as customers, sum(monetary_amount) as revenue, avg(clv_amount) as clv, "
    "avg(case when is_repeat_buyer then 1 else 0 end) as repeat_rate from gold.dim_customer",
    "lifecycle by region": "select region, lifecycle_stage, count(*) as n from gold.dim_customer group by 1, 2 "
    "order by n desc limit 50",
    "segments": "select segment_name, count(*) as n, avg(recency_days) as recency, avg(frequency) as orders, "
    "sum(monetary_amount) as revenue from gold.dim_customer where segment_name is not null group by 1 order by n desc",
    "rfm grid": "select r_score, f_score, count(*) as n, avg(monetary_amount) as spend from gold.dim_customer "
    "where r_score is not null group by 1, 2",
    "new customers a month": "select date_trunc('month', first_ordered_on) as month, count(*) as n from "
    "gold.dim_customer where first_ordered_on is not null group by 1 order by 1",
    "revenue a week by channel": "select date_trunc('week', ordered_on) as week, channel, sum(net_sale_amount) as net, "
    "sum(margin_amount) as margin from gold.mart_revenue_daily group by 1, 2 order by 1",
    "orders a month": "select date_trunc('month', ordered_at) as month, count(*) as n, sum(net_sale_amount) as net, "
    "count(distinct customer_id) as buyers from gold.fct_orders where is_sale group by 1 order by 1",
    "funnel by device": "select device_type, sum(session_count) as sessions, sum(cart_session_count) as carts, "
    "sum(purchase_session_count) as purchases from gold.fct_funnel group by 1",
    "recommended categories": "select category, strategy, count(*) as n, avg(score) as score from "
    "gold.act_recommendations where rank <= 3 group by 1, 2 order by n desc limit 20",
    "value at risk by segment": "select c.segment_name, count(*) as n, sum(r.value_at_risk_amount) as at_risk from "
    "gold.act_churn_rescue as r join gold.dim_customer as c on r.customer_id = c.customer_id group by 1 order by 3",
}


def make_gold(source: Settings, target: Settings, customers: int) -> None:
    """The published gold of `source`, repeated, published in `target`."""
    published = current(source)
    assert published is not None, f"{source.home} has nothing published"
    there = delta_table(source, "gold.dim_customer").to_pyarrow_dataset().count_rows()
    times = -(-customers // there)
    for name, version in published.tables.items():
        rows = delta_table(source, name, version).to_pyarrow_table()
        own = [column for column in OWN_IDS if column in rows.column_names and name not in AS_THEY_ARE]
        schema, table = name.split(".")
        uri = target.table_uri(schema, table)
        copies = [_renamed(rows, own, number) for number in range(times)] if own else [rows]
        whole = pa.concat_tables(copies)
        for begin in range(0, max(whole.num_rows, 1), ROWS_OF_A_FILE):
            write_deltalake(uri, whole.slice(begin, ROWS_OF_A_FILE), mode="append")
    publish(target, "benchmark", datetime.now(timezone.utc), published.as_of_on, "benchmark")


def _renamed(rows: pa.Table, own: list[str], number: int) -> pa.Table:
    for column in own:
        place = rows.column_names.index(column)
        text = pc.binary_join_element_wise(rows.column(column).cast(pa.string()), f"~{number}", "")
        rows = rows.set_column(place, column, text)
    return rows


def ask(port: int, statements: list[str]) -> list[float]:
    """Seconds of each statement, over one connection."""
    found = []
    with hive.connect("127.0.0.1", port, username="bi", password="none", auth="CUSTOM") as connection:
        cursor = connection.cursor()
        for statement in statements:
            began = time.perf_counter()
            cursor.execute(statement)
            cursor.fetchall()
            found.append(time.perf_counter() - began)
    return found


def measure(port: int, people: int, rounds: int, known: bool) -> list[tuple[float, str]]:
    """Seconds of all statements of so many people, who each ask all ten in an order of their own, `rounds` times; and
    which of whose statements it was.

    Args:
        known: the statements are the same each time, so that the server has their answers from the first time on; else
            each has a text of its own, and every one is worked out.
    """

    def one(number: int) -> list[tuple[float, str]]:
        names = [
            name
            for turn in range(rounds)
            for name in random.Random(number * rounds + turn).sample(list(QUERIES), len(QUERIES))
        ]
        marks = [f"{people} {number} {place}" for place in range(len(names))]
        asked = [QUERIES[name] if known else f"{QUERIES[name]} -- {mark}" for name, mark in zip(names, marks)]
        told = [f"{name}, person {number}, statement {place}" for place, name in enumerate(names)]
        return list(zip(ask(port, asked), told))

    with ThreadPoolExecutor(people) as pool:
        return [one for times in pool.map(one, range(people)) for one in times]


def cpu_seconds(pid: int) -> float:
    """Of a process and all that it started, so far."""
    server = psutil.Process(pid)
    times = [one.cpu_times() for one in (server, *server.children(recursive=True))]
    return sum(one.user + one.system for one in times)


def quantiles(found: list[tuple[float, str]]) -> dict[str, float]:
    cut = statistics.quantiles([seconds for seconds, _ in found], n=100, method="inclusive")
    return {"p50": round(cut[49], 3), "p95": round(cut[94], 3), "count": len(found)}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--from", dest="source", type=Path, required=True)
    options.add_argument("--customers", type=int, default=200_000)
    options.add_argument(
        "--scratch", type=Path, help="keeps the repeated gold for another time; --rounds 0 only makes it"
    )
    options.add_argument("--memory", default="1g")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--port", type=int, help="of a server that runs already")
    given = options.parse_args()
    folder = given.scratch or Path(tempfile.mkdtemp())
    target = load_settings(home=folder)
    if current(target) is None:
        make_gold(load_settings(home=given.source), target, given.customers)
    if given.rounds == 0:
        return
    environment = {**os.environ, "LAKEHOUSE_HOME": str(folder), "LAKEHOUSE_SQL_MEMORY": given.memory}
    command = [sys.executable, "-m", "lakehouse", "sql-server", "--port", "0"]
    began = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline().rsplit(":", 1)[1])
        print(json.dumps({"ready_after": round(time.perf_counter() - began, 1)}), flush=True)
        each = {name: round(ask(port, [f"{query} -- first"])[0], 3) for name, query in QUERIES.items()}
        print(json.dumps({"first time": each}), flush=True)
        for people, known in ((1, False), (1, True), (10, True), (10, False)):
            before, load = cpu_seconds(process.pid), os.getloadavg()[0]
            found = measure(port, people, given.rounds, known)
            spent = round((cpu_seconds(process.pid) - before) / len(found), 3)
            longest = [f"{seconds:.1f} s: {what}" for seconds, what in sorted(found, reverse=True)[:5]]
            told = {"people": people, "answers known": known, **quantiles(found), "CPU s each": spent, "load": load}
            told["longest"] = longest
            print(json.dumps(told), flush=True)
    finally:
        process.terminate()
        process.wait(60)


if __name__ == "__main__":
    main()
