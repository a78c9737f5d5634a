"""One step of the main job in a process of its own, as the benchmark measures it beside a peer.

python benchmarks/ours.py {start,bronze,silver,expectations,gold,merge,tiny} SHOP HOME
python benchmarks/ours.py {als,top_k,k_means,regression} INPUTS OUT

`expectations` judges silver.events by its suite and writes the failing rows of each rule. `gold` is what a peer makes
too: `gold.feat_customer_rfm` and `gold.feat_customer_behaviour`, with the two tables that these are built from. `merge`
lands the files that came since and brings silver up to them. `tiny` builds and tests 25 tables of a hundred rows, each
from the one before, as a dbt project of its own. The models are fitted by the
functions by which the main job fits them, on the arrays and with the settings of benchmarks/peers/library_models.py.
"""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from lakehouse import ops
from lakehouse.engine import open_engine, query
from lakehouse.pipeline import AFTER_LANDING, LAND, Progress, Run, perform
from lakehouse.quality import run_gate
from lakehouse.settings import CHECKOUT, Settings, load_settings
from lakehouse.sources import load_source
from ml.recommend.features import Interactions

STEPS = {step.name: step for step in AFTER_LANDING}
AS_OF = date(2025, 12, 31)
GOLD = ("feat_activity", "feat_customer_history", "feat_customer_rfm", "feat_customer_behaviour")

JUDGED = "silver.events"
TINY_TABLES = 25
TINY_PROJECT = {
    "name": "tiny",
    "version": "1.0",
    "profile": "lakehouse",
    "model-paths": ["models"],
    "macro-paths": [str(CHECKOUT / "dbt_project" / "macros")],
    "flags": {"send_anonymous_usage_stats": False},
    "models": {"tiny": {"+materialized": "table", "+file_format": "delta", "+schema": "gold"}},
}


def expectations(run: Run) -> None:
    """The gate of one table: `expectations.json` beside the tables holds the failing rows of each rule."""
    report = run_gate(lambda: run.spark, run.settings, "silver", run.run_id, run.clock(), [JUDGED])
    told = {f"{o.rule.label} {o.rule.column or ''}".strip(): o.unexpected_count for o in report.outcomes}
    (run.settings.home / "expectations.json").write_text(json.dumps(told))


def tiny(settings: Settings) -> None:
    """Build and test the small tables by dbt, parse and all.

    Raises:
        SystemExit: a model or test failed.
    """
    from dbt.cli.main import dbtRunner

    folder = settings.home / "tiny"
    (folder / "models").mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(json.dumps(TINY_PROJECT))
    described = []
    for number in range(1, TINY_TABLES + 1):
        read = (
            f"{{{{ ref('tiny_{number - 1}') }}}}" if number > 1 else "(select id as key, id as amount from range(100))"
        )
        (folder / "models" / f"tiny_{number}.sql").write_text(
            f"select key, amount + key as amount from {read} as before"
        )
        described.append({"name": f"tiny_{number}", "columns": [{"name": "key", "data_tests": ["not_null", "unique"]}]})
    (folder / "models" / "tiny.yml").write_text(json.dumps({"version": 2, "models": described}))
    open_engine(settings)
    done = dbtRunner().invoke(
        ["--quiet", "--log-path", str(folder), "build", "--project-dir", str(folder), "--profiles-dir", str(CHECKOUT)]
    )
    if not done.success:
        raise SystemExit(f"dbt ended with {done.exception or [str(result) for result in done.result]}")


def als(inputs: Path) -> dict[str, np.ndarray]:
    from ml.recommend.factors import Settled
    from ml.recommend.fits import by_implicit

    settled = Settled(rank=32, iterations=10, regularisation=1.0, alpha=0.5, is_scaled=False)
    return {"items": by_implicit(_interactions(inputs), settled, 7).factors}


def top_k(inputs: Path) -> dict[str, np.ndarray]:
    from ml.recommend.ranking import rows_at_once, top_k

    found = np.load(inputs / "factors.npz")
    users, items = found["users"], found["items"]
    step = rows_at_once(len(items))
    blocks = [top_k(users[start : start + step] @ items.T, 10) for start in range(0, len(users), step)]
    return {"best": np.concatenate(blocks)}


def k_means(inputs: Path) -> dict[str, np.ndarray]:
    from ml.segment.fits import by_scikit_learn

    return {"centres": by_scikit_learn(np.load(inputs / "points.npz")["points"])(5, 7)}


def regression(inputs: Path) -> dict[str, np.ndarray]:
    from ml.click.fits import LocalRows, ones

    shown = np.load(inputs / "impressions.npz")
    matrix = ones(shown["columns"], shown["ends"], 1 << 17)
    rows = LocalRows([str(n) for n in range(1 << 17)], matrix, shown["label"], np.zeros(len(shown["label"]), np.int64))
    clicks, others = rows.by_period()
    model = rows.fit(0, clicks, others).model
    intercept = model.intercept + np.log(others[0] / clicks[0])
    return {"coefficients": np.array(list(model.coefficients.values())), "intercept": np.array([intercept])}


def _interactions(inputs: Path) -> Interactions:
    """The pairs as a history in which nothing but their weights is told."""
    pairs = np.load(inputs / "pairs.npz")
    user, item = pairs["user"].astype(np.int64), pairs["item"].astype(np.int64)
    untold = np.zeros(len(user))
    names = (np.arange(ids.max() + 1).astype(str).astype(object) for ids in (user, item))
    return Interactions(
        *names, user, item, pairs["weight"].astype(np.float64), *[untold] * 5, untold.astype(bool), *[untold] * 2
    )


MODELS = {"als": als, "top_k": top_k, "k_means": k_means, "regression": regression}


def main() -> None:
    step, shop, home = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    if step in MODELS:
        with threadpool_limits(1, user_api="blas"):
            np.savez(home, **MODELS[step](shop))
        return
    settings = load_settings(home=home)
    if step == "start":
        open_engine(settings)
        assert query(settings, "select 1")[0][0] == 1
        return
    if step == "tiny":
        tiny(settings)
        return
    run = Run(settings, [load_source(shop / "four.yml")], AS_OF, Progress())
    if step in ("bronze", "merge"):
        ops.ensure_tables(settings)
        perform(run, LAND)
    if step in ("silver", "merge"):
        perform(run, STEPS["silver"])
    if step == "expectations":
        expectations(run)
    if step == "gold":
        perform(run, STEPS["as_of"])
        run.open_engine()
        run.dbt.build("features", run.ledger, AS_OF, only=GOLD)


if __name__ == "__main__":
    main()
