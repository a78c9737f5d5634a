"""Every source of examples/ through the command, in a home of its own; figures that pandas finds in the raw files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lakehouse.settings import CHECKOUT, load_settings

DATA = load_settings().data_dir
COMMAND = [str(Path(sys.executable).with_name("lakehouse"))]

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no real data in {DATA}: set LAKEHOUSE_DATA_DIR")


def raw(name: str) -> pd.DataFrame:
    return pd.read_csv(DATA / f"{name}.csv.gz", low_memory=False)


def lakehouse(home: Path, *arguments: str) -> str:
    """What the command prints; it must end well."""
    environment = {**os.environ, "LAKEHOUSE_HOME": str(home), "LAKEHOUSE_DATA_DIR": str(DATA.resolve())}
    ended = subprocess.run([*COMMAND, *arguments], env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def run(home: Path, example: str) -> str:
    return lakehouse(home, "run", "--source", str(CHECKOUT / "examples" / f"{example}.yml"))


def ask(home: Path, **questions: str) -> dict[str, Any]:
    """One answer for each question, a scalar subquery."""
    columns = ", ".join(f"({question}) as {name}" for name, question in questions.items())
    answers = json.loads(lakehouse(home, "sql", "--json", f"select {columns}"))
    assert len(answers) == 1
    return dict(answers[0])


def test_online_retail(tmp_path: Path) -> None:
    run(tmp_path, "online_retail")
    assert ask(
        tmp_path,
        lines="select sum(rows_landed) from ops.loads",
        customers="select count(*) from gold.feat_customer_rfm",
        revenue="select cast(sum(monetary_amount) as string) from gold.feat_customer_rfm",
        offers=(
            "select min(offer_count) from ("
            "select count(distinct product_id) as offer_count from gold.act_recommendations group by customer_id)"
        ),
    ) == {"lines": 209_029, "customers": 2_718, "revenue": "3332591.96", "offers": 10}


def test_movielens(tmp_path: Path) -> None:
    ratings = raw("movielens_latest_small")
    told = run(tmp_path, "movielens")
    assert "ndcg_at_10" in told
    assert ask(
        tmp_path,
        ratings="select count(*) from silver.ratings",
        films="select count(*) from gold.dim_product",
        viewers="select count(*) from gold.dim_customer",
        sum_of_ratings="select sum(rating) from silver.ratings",
        recommended="select count(*) from gold.act_recommendations",
        watched_again=(
            "select count(*) from gold.act_recommendations join silver.ratings using (customer_id, product_id)"
        ),
    ) == {
        "ratings": len(ratings),
        "films": ratings["movieId"].nunique(),
        "viewers": ratings["userId"].nunique(),
        "sum_of_ratings": ratings["rating"].sum(),
        "recommended": 10 * ratings["userId"].nunique(),
        "watched_again": 0,
    }


def test_ipinyou(tmp_path: Path) -> None:
    impressions = raw("ipinyou_ctr_train")
    run(tmp_path, "ipinyou")
    told = ask(
        tmp_path,
        impressions="select count(*) from silver.impressions",
        clicks="select count_if(is_clicked) from silver.impressions",
        learned_from="select count(*) from gold.feat_impressions",
        auc="select max(value) from ml.model_metrics where task = 'click' and metric = 'auc'",
        scored="select count(*) from gold.act_click_propensity",
        odd="select count_if(click_probability not between 0 and 1) from gold.act_click_propensity",
    )
    assert told.pop("auc") > 0.55
    assert told.pop("scored") > 0
    assert told == {
        "impressions": len(impressions),
        "clicks": int((impressions["click"] == 1).sum()),
        "learned_from": len(impressions),
        "odd": 0,
    }


def test_complete_journey(tmp_path: Path) -> None:
    lines = raw("completejourney_transactions_sample")
    sales = lines[(lines["quantity"] > 0) & (lines["sales_value"] > 0)]
    run(tmp_path, "complete_journey")
    told = ask(
        tmp_path,
        lines="select count(*) from silver.order_lines",
        products="select count(*) from gold.dim_product",
        households="select count(*) from gold.dim_customer",
        described="select count_if(attributes['age'] is not null) from silver.customers",
        campaigns="select count(*) from silver.campaigns",
        letters="select count_if(channel = 'mail') from silver.sends",
        redemptions="select count_if(channel = 'coupon') from silver.sends",
        paid="select cast(sum(net_amount) as double) from silver.order_lines where is_sale",
        recommended="select count(distinct customer_id) from gold.act_recommendations",
    )
    assert told.pop("paid") == pytest.approx(sales["sales_value"].sum(), rel=1e-4)  # unit prices have four places
    households = lines["household_id"].nunique()
    everyone = len({*lines["household_id"], *raw("completejourney_demographics")["household_id"]})
    assert households <= everyone
    assert told == {
        "lines": len(lines),
        "products": len(raw("completejourney_products")),
        "households": everyone,
        "described": int(raw("completejourney_demographics")["age"].notna().sum()),
        "campaigns": len(raw("completejourney_campaign_descriptions")),
        "letters": len(raw("completejourney_campaigns")),
        "redemptions": len(raw("completejourney_coupon_redemptions")),
        "recommended": everyone,
    }
