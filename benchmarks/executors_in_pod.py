"""What benchmarks/cluster_executors.py has done in the run's pod: python -c "$(cat this)" COUNT [COUNT ...]

Lands orders, behaviour, customers and products of the built-in sample and makes silver of them, once. Then, for each
count of executors and in a process of its own: silver's large tables and the features that are made of them, from
nothing. Prints a JSON object a count, with wall seconds and the CPU seconds of all that ran on the machine.
"""

import json
import os
import subprocess
import sys
import time
from datetime import date

import psutil
import yaml
from pyarrow.fs import FileType

from lakehouse import ops
from lakehouse.cli.run import sample_source
from lakehouse.engine import query
from lakehouse.pipeline import AFTER_LANDING, LAND, Progress, Run, perform
from lakehouse.settings import load_settings
from lakehouse.sources import load_source
from lakehouse.storage import filesystem

STEPS = {step.name: step for step in AFTER_LANDING}
ENTITIES = ("customers", "products", "order_lines", "events")
SILVER = ("outlier_bounds", "stg_customers", "stg_order_lines", "stg_events")
GOLD = ("feat_activity", "feat_customer_history", "feat_customer_rfm", "feat_customer_behaviour")
LAST_DAY = date(2025, 12, 31)

settings = load_settings()
source = sample_source(settings).with_name("four.yml")
if not source.exists():
    whole = yaml.safe_load(source.with_name("source.yml").read_text())
    whole["entities"] = {name: entity for name, entity in whole["entities"].items() if name in ENTITIES}
    source.write_text(yaml.safe_dump(whole, allow_unicode=True))
run = Run(settings, [load_source(source)], LAST_DAY, Progress())


def prepare() -> None:
    """Bronze, and every table of silver: what is made of nothing is there, too."""
    ops.ensure_tables(settings)
    for step in (LAND, STEPS["silver"], STEPS["as_of"]):
        perform(run, step)


def forget() -> None:
    """The measured tables are gone, and none is known to have been built."""
    files, root = filesystem(settings)
    tables = [f"silver/{name.removeprefix('stg_')}" for name in SILVER] + [f"gold/{name}" for name in GOLD]
    for table in tables:
        if files.get_file_info(f"{root}/tables/{table}").type != FileType.NotFound:
            files.delete_dir(f"{root}/tables/{table}")
    (settings.home / "builds.json").unlink(missing_ok=True)


def busy_seconds() -> float:
    """CPU seconds of every process of the machine, since it started: of all nodes, where one machine is all of them."""
    times = psutil.cpu_times()
    return times.user + times.nice + times.system + times.irq + times.softirq


def measure() -> None:
    """Both steps, once the executors are there, which a first query waits for."""
    run.open_engine()
    query(settings, "select count(*) from bronze.events group by _file")
    seconds, busy = {}, {}
    for tag, models in (("silver", SILVER), ("features", GOLD)):
        began, spent = time.monotonic(), busy_seconds()
        run.dbt.build(tag, run.ledger, LAST_DAY, only=models)
        seconds[tag], busy[tag] = round(time.monotonic() - began, 1), round(busy_seconds() - spent, 1)
    told = {"executors": settings.executors, "seconds": seconds, "busy": busy, "cores": psutil.cpu_count()}
    told["rows"] = ops.landed_rows(settings)
    print("MEASURED " + json.dumps(told), flush=True)


def in_a_process(part: str, **own: str) -> None:
    """One part by itself: its executors go with it."""
    environment = {**os.environ, **own, "MEASURED_PART": part}
    subprocess.run([sys.executable, "-c", os.environ["MEASURED_CODE"]], env=environment, check=True)


part = os.environ.get("MEASURED_PART")
if part is not None:
    {"prepare": prepare, "measure": measure}[part]()
else:
    if not (settings.home / "prepared").exists():
        in_a_process("prepare")
        (settings.home / "prepared").touch()
    for count in sys.argv[1:]:
        forget()
        in_a_process("measure", LAKEHOUSE_EXECUTORS=count)
