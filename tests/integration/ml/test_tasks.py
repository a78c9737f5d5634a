"""The tasks on a small shop: what they find, that they repeat, and what absent entities leave."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from pydantic import SecretStr

from lakehouse.catalog import register_tables
from lakehouse.errors import LakehouseError
from lakehouse.settings import Settings, load_settings
from ml import tables
from ml.frames import speaking_to
from ml.store import open_store
from ml.tasks import TASKS
from ml.value.features import purchases, read_purchases, read_split
from tests.conftest import use_home
from tests.integration.ml.activity import habits
from tests.integration.ml.gold_tables import AS_OF, leaving, write_gold, write_shop
from tests.integration.ml.people import doing, is_female, listed

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SEED = 7
OF_OTHER_SHOPS = {"purchase": "habitual", "churn": "left", "traits": "people"}
"""What the shop has too little to learn of, and the fixture that has enough."""


def content(settings: Settings) -> dict[str, pd.DataFrame]:
    return {name: tables.read(settings, name).to_pandas() for name in tables.ML_SCHEMAS}


def a_home(spark: SparkSession, folder: Path, tasks: Iterable[str], activity: pa.Table | None = None) -> Settings:
    settings = load_settings(home=folder, spark_master="local[2]")
    write_shop(settings, activity=activity)
    use_home(spark, settings)
    for name in tasks:
        TASKS[name].run(spark, settings, AS_OF, SEED)
    return settings


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return a_home(spark, tmp_path_factory.mktemp("shop"), [name for name in TASKS if name not in OF_OTHER_SHOPS])


@pytest.fixture(scope="module")
def habitual(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A shop whose customers come every week or hardly ever."""
    return a_home(spark, tmp_path_factory.mktemp("habitual"), ["purchase"], habits(AS_OF))


@pytest.fixture(scope="module")
def left(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A shop that every third customer leaves."""
    return a_home(spark, tmp_path_factory.mktemp("left"), ["churn"], leaving())


@pytest.fixture(scope="module")
def people(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A shop whose women and men look at different things, and whose rich pay ten times as much."""
    settings = load_settings(home=tmp_path_factory.mktemp("people"), spark_master="local[2]")
    write_gold(settings, "feat_customer_person", listed())
    write_gold(settings, "feat_activity", doing(AS_OF))
    use_home(spark, settings)
    TASKS["traits"].run(spark, settings, AS_OF, SEED)
    return settings


def metric(settings: Settings, name: str, task: str | None = None) -> pd.Series:
    told = content(settings)["model_metrics"]
    told = told if task is None else told[told["task"] == task]
    return told.set_index("metric").loc[name]


def mlflow_parameter(settings: Settings, name: str) -> str:
    client = open_store(settings)
    run = client.get_model_version_by_alias("recommend", "champion").run_id
    return str(client.get_run(run).data.params[name])


def test_recommendations_find_the_tastes_and_beat_popularity(shop: Settings) -> None:
    found = metric(shop, "ndcg_at_10")
    assert found["value"] > found["baseline_value"] + 0.05
    assert found["baseline"] == "popularity"
    told = content(shop)["recommendations"]
    assert told.groupby("customer_id")["product_id"].nunique().to_dict() == {f"C{n:03d}": 10 for n in range(61)}
    assert told.loc[told["customer_id"] == "C060", "strategy"].iloc[0] == "segment"  # the five who have not bought
    served = mlflow_parameter(shop, "method")
    warm = told[told["strategy"] == served]
    assert warm["customer_id"].nunique() == 60
    assert warm["evidence_product_id"].notna().mean() > 0.9
    best = max(metric(shop, f"{name}_ndcg_at_10")["value"] for name in mlflow_parameter(shop, "candidates").split(", "))
    assert metric(shop, f"{served}_ndcg_at_10")["value"] == found["value"] > 0.8 * best
    assert set(warm["evidence_type"]) <= {"bought", "viewed"}


def test_two_kinds_of_customers_become_two_segments_at_their_ends(shop: Settings) -> None:
    told = content(shop)
    segments = told["customer_segments"].set_index("customer_id")["segment_name"]
    assert len(segments) == 55
    assert segments["C000"] != segments["C001"]
    profiles = told["segment_profiles"]
    assert profiles["customer_count"].sum() == 55
    assert profiles["segment_name"].is_unique
    curve = told["segment_elbow"]
    assert curve["k"].tolist() == [2, 3, 4, 5, 6, 7, 8]
    assert curve["is_chosen"].sum() == 1
    told_apart = told["segment_tests"].set_index("feature")
    assert told_apart.loc["frequency", "eta_squared"] > 0.9  # 8 to 14 orders, or 1 to 2
    assert told_apart.loc["frequency", "anova_p"] < 1e-9
    assert told_apart.loc["discount_rate", "customer_count"] == 0  # which this shop does not tell
    assert metric(shop, "eta_squared_frequency", "segment")["value"] == pytest.approx(
        told_apart.loc["frequency", "eta_squared"]
    )
    assert metric(shop, "stability", "segment")["value"] > 0.95


def test_clicks_are_told_apart_by_taste_and_every_active_customer_meets_every_creative(shop: Settings) -> None:
    auc = metric(shop, "auc", "click")
    assert auc["value"] > 0.7
    assert auc["baseline_value"] == 0.5
    assert metric(shop, "log_loss", "click")["value"] < metric(shop, "log_loss", "click")["baseline_value"]
    assert metric(shop, "expected_calibration_error", "click")["value"] < 0.05
    told = content(shop)["click_predictions"]
    assert len(told) == 60 * 6
    chance = told.pivot(index="customer_id", columns="creative_id", values="click_probability")
    assert chance.loc["C000", ["CR0", "CR3"]].min() > 0.15  # C000 and these creatives are about beauty
    assert chance.loc["C000", ["CR1", "CR2", "CR4", "CR5"]].max() < 0.10
    names = content(shop)["click_coefficients"]["feature"]
    assert {"(intercept)", "attributes.topic=Beauty", "category_match=yes, 75%+ of views"} <= set(names)


def test_regular_buyers_are_expected_back_and_the_silent_are_not(shop: Settings, spark: SparkSession) -> None:
    told = content(shop)["customer_value"].set_index("customer_id")
    assert len(told) == 55
    regular, silent = told.iloc[::2], told.iloc[1::2]
    # Every sixth day until now: about fifteen in 90 days, from customers who have bought eight times and more.
    assert regular["expected_order_count_90d"].between(8, 15).all()
    assert silent["expected_order_count_90d"].max() < regular["expected_order_count_90d"].min() / 3
    assert regular["expected_order_amount"].between(88, 112).all()
    assert regular["alive_probability"].min() > 0.9
    assert metric(shop, "orders_mae")["baseline"] == "same_rate_as_so_far"
    oldest = DeltaTable(shop.table_path("gold", "feat_customer_rfm")).to_pandas()["tenure_days"].max()
    assert metric(shop, "orders_per_customer")["split"] == f"the last {oldest // 4} days"
    with speaking_to(spark):
        split = purchases(read_split(spark, AS_OF))
    for ours, theirs in zip(vars(split).values(), vars(read_purchases(shop)).values()):
        assert ours.tolist() == theirs.tolist()


def test_who_came_lately_buys_and_the_reason_says_so(habitual: Settings) -> None:
    found = metric(habitual, "auc", "purchase")
    assert found["value"] > 0.85
    assert found["baseline"] == "recency alone"
    told = content(habitual)["purchase_predictions"].set_index("customer_id")
    assert told.index.tolist() == [f"C{n:03d}" for n in range(200)]
    regular, rare = told.iloc[::2], told.iloc[1::2]
    assert (regular["purchase_probability"] > 0.6).mean() > 0.9
    assert (rare["purchase_probability"] < 0.4).mean() > 0.9
    assert (regular["reason_effect"] > 0).mean() > 0.9
    assert (rare["reason_effect"] < 0).mean() > 0.9
    importances = content(habitual)["purchase_importances"]
    assert not [name for name in importances["feature"] if "90d" in name]  # this history looks back on a month
    assert importances["importance_mean"].max() > 0
    assert set(told["reason_feature"]) <= set(importances["feature"])


def test_who_left_is_lost_and_who_stays_is_told_when_to_be_contacted(left: Settings) -> None:
    found, brier = metric(left, "concordance_index"), metric(left, "integrated_brier_score")
    assert found["value"] > found["baseline_value"]
    assert brier["value"] < brier["baseline_value"]
    told = content(left)["churn_predictions"].set_index("customer_id")
    leavers = [f"C{number:03d}" for number in range(0, 60, 3)]
    assert told.index[told["is_lapsed"]].tolist() == leavers
    assert told.loc[leavers, "churn_probability"].min() > 0.75
    assert (told["churn_probability_low"] <= told["churn_probability"]).all()
    assert (told["churn_probability"] <= told["churn_probability_high"]).all()
    members = [f"C{number:03d}" for number in range(1, 60, 3)]  # of whom nobody ever left
    others = told.drop([*leavers, *members])
    assert told.loc[members, "churn_probability"].max() < others["churn_probability"].median()
    assert set(told.loc[members, "contact_on"]) == {AS_OF + timedelta(days=40 - 15)}
    curves = content(left)["churn_curves"].pivot(index="days", columns="risk_group", values="survival")
    assert (curves.loc[0] == 1.0).all()
    assert (curves.diff().dropna() <= 1e-12).all().all()
    assert curves.loc[90, "low risk"] >= curves.loc[90, "medium risk"] >= curves.loc[90, "high risk"]


def test_tickets_are_told_by_language_mood_and_topic_and_their_words_stay_behind(shop: Settings) -> None:
    told = content(shop)["ticket_texts"]
    assert len(told) == 60 * 6
    unscored = told[told["customer_id"] == "C059"].sort_values("ticket_id")
    assert unscored["language"].tolist() == ["en", "en", "en", "en", "zh", "zh"]
    assert unscored["sentiment_label"].tolist() == [
        "positive", "negative", "positive", "negative", "positive", "negative",
    ]  # fmt: skip
    assert metric(shop, "mood_correlation")["value"] > 0.95
    assert "refund" in unscored["topic_terms"].iloc[3]
    assert "Order 1" not in told.to_csv()
    assert ((unscored["reason_effect"] > 0) == (unscored["sentiment_label"] == "positive")).all()


def test_a_gender_is_told_or_inferred_by_what_it_says_or_unknown(people: Settings) -> None:
    found = metric(people, "gender_by_behaviour_log_loss")
    assert found["value"] < found["baseline_value"]
    told = content(people)["customer_traits"]
    gender = told[told["trait"] == "gender"].set_index("customer_id")
    assert gender.index.tolist() == [f"C{n:03d}" for n in range(360)]
    truth = pd.Series({f"C{n:03d}": "female" if is_female(n) else "male" for n in range(360)})
    known = gender["is_known"]
    assert known.sum() == 300
    assert (gender["value"] == truth)[known].all()
    asked = gender[~known]
    stated = asked[asked["value"] != "unknown"]
    assert len(stated) > 45
    assert (stated["value"] == truth[stated.index]).mean() > 0.9
    # C348 has no name and one look at what both look at, C354 a name and nothing else.
    assert gender.loc["C348", ["value", "basis"]].tolist() == ["unknown", "behaviour"]
    assert gender.loc["C354", ["basis", "reason"]].tolist() == ["name", "By the given name alone"]
    without_name = [f"C{n:03d}" for n in range(0, 340, 12)]
    assert set(gender.loc[without_name, "basis"]) == {"behaviour"}
    assert not told.to_csv().count("芳")


def test_who_paid_much_is_expected_to_do_so_again(people: Settings) -> None:
    found = metric(people, "spending_high_auc")
    assert found["value"] > 0.85
    told = content(people)["customer_traits"]
    spending = told[told["trait"] == "spending_power"].set_index("customer_id")
    rich = spending.loc[[f"C{n:03d}" for n in range(0, 340, 3)]]
    others = spending.drop(index=rich.index)
    assert (rich["value"] == "high").mean() > 0.7
    assert (others["value"] == "high").sum() == 0
    assert spending.loc["C355", ["value", "basis"]].tolist() == ["unknown", "none"]
    curve = content(people)["trait_reliability"]
    counted = curve.groupby(["trait", "evidence"])["customer_count"].sum()
    # Of the 300 who tell their gender, 291 did something and 240 have a name.
    assert counted["gender"].to_dict() == {"all": 300, "behaviour": 291, "name": 240}


def test_a_training_keeps_its_plots_its_environment_and_its_signature(
    shop: Settings, habitual: Settings, left: Settings, people: Settings
) -> None:
    from mlflow.models import Model

    of_genders = {"gender_female", "gender_by_behaviour_female", "gender_by_name_female"}
    drawn = {
        "segment": (shop, {"elbow"}),
        "recommend": (shop, {"ndcg"}),
        "click": (shop, {"reliability", "gains"}),
        "value": (shop, {"orders", "spending"}),
        "text": (shop, {"mood"}),
        "purchase": (habitual, {"reliability", "gains"}),
        "churn": (left, {"reliability", "gains"}),
        "traits": (people, {*of_genders, "high_spending"}),
    }
    assert {*drawn, "budget"} == set(TASKS)
    for task, (home, plots) in drawn.items():
        client = open_store(home)
        run = client.get_run(client.get_model_version_by_alias(task, "champion").run_id)
        left_behind = Path(run.info.artifact_uri.removeprefix("file://"))
        found = {plot.stem: plot.read_text() for plot in (left_behind / "plots").iterdir()}
        assert set(found) == plots, task
        assert all("<svg" in plot for plot in found.values())
        signature = Model.load(str(left_behind / "model" / "MLmodel")).signature
        assert signature is not None, task
        assert signature.inputs.inputs, task
        assert run.data.tags["environment.engine"] == home.engine
        assert run.data.tags["environment.scikit-learn"] == "1.7.2"
        assert "numpy==1.26.4" in (left_behind / "model" / "requirements.txt").read_text()


def test_the_champion_loads_by_its_mlflow_address_and_is_the_version_that_scored(shop: Settings) -> None:
    import mlflow
    from mlflow.tracking import MlflowClient

    mlflow.set_registry_uri(shop.mlflow_uri)
    client = MlflowClient(shop.mlflow_uri, shop.mlflow_uri)
    version = client.get_model_version_by_alias("recommend", "champion")
    run = client.get_run(version.run_id)
    loaded = mlflow.pyfunc.load_model("models:/recommend@champion")
    told = loaded.predict(pd.DataFrame({"customer_id": ["x"], "product_id": ["P000"], "weight": [6.0]}))

    assert content(shop)["recommendations"]["model_version"].unique().tolist() == [str(version.version)]
    assert run.data.params["version_of_gold.feat_interactions"] == "0"
    assert run.data.metrics["ndcg_at_10"] == metric(shop, "ndcg_at_10")["value"]
    assert "P000" not in told["product_id"].tolist()
    assert len(told) == 10


def test_the_budget_is_spent_where_it_brings_most_and_its_run_is_logged(shop: Settings) -> None:
    import mlflow
    from mlflow.tracking import MlflowClient

    told = content(shop)["budget_allocation"].set_index("channel")
    # 130 of the last 30 days: 200 mails for 0.1 each, the minimum of 50 ads for 0.2, and texts for the other 100.
    assert told["allocated_count"].to_dict() == {"display": 50, "email": 200, "sms": 100}
    assert told["bound"].to_dict() == {"display": "minimum", "email": "maximum", "sms": "none"}
    assert told["budget_shadow_price"].tolist() == pytest.approx([3.0] * 3)
    assert metric(shop, "expected_return")["value"] == pytest.approx(200 * 2 + 100 * 3 + 50 * 0.1)

    client = MlflowClient(shop.mlflow_uri, shop.mlflow_uri)
    (run,) = client.search_runs([client.get_experiment_by_name("budget").experiment_id])
    assert run.data.params["version_of_gold.feat_channel_returns"] == "0"
    assert run.data.metrics["expected_return"] == metric(shop, "expected_return")["value"]
    mlflow.set_tracking_uri(shop.mlflow_uri)
    plan = json.loads(mlflow.artifacts.load_text(f"{run.info.artifact_uri}/plan.json"))
    assert [one["units"] for one in plan[0]["channels"]] == [50, 200, 100]
    assert ">sms<" in mlflow.artifacts.load_text(f"{run.info.artifact_uri}/plots/allocation_CNY.svg")


def test_absent_entities_leave_empty_tables_and_metrics_that_say_so(
    home_spark: SparkSession, home_settings: Settings
) -> None:
    for task in TASKS.values():
        task.run(home_spark, home_settings, AS_OF, SEED)
    told = content(home_settings)
    assert told.pop("model_metrics")["split"].tolist() == ["no data"] * len(TASKS)
    for name, table in told.items():
        assert len(table) == 0
        assert home_spark.table(f"ml.{name}").columns == tables.ML_SCHEMAS[name].names


def test_scoring_before_training_says_what_to_do(home_spark: SparkSession, home_settings: Settings) -> None:
    write_shop(home_settings, customers=4, products=3)
    use_other_home(home_spark, home_settings)
    with pytest.raises(LakehouseError, match="run `lakehouse train segment` first"):
        TASKS["segment"].score(home_spark, home_settings, AS_OF, SEED)


def test_a_handful_of_customers_and_clicks_is_enough_not_to_fail(
    home_spark: SparkSession, home_settings: Settings
) -> None:
    write_shop(home_settings, customers=7, products=3, days=5)
    shown = DeltaTable(home_settings.table_path("gold", "feat_impressions")).to_pyarrow_table()
    write_gold(home_settings, "feat_impressions", shown.slice(0, 30))
    use_other_home(home_spark, home_settings)
    for task in TASKS.values():
        task.run(home_spark, home_settings, AS_OF, SEED)
    told = content(home_settings)
    assert told["customer_segments"]["customer_id"].tolist() == ["C000", "C001"]
    assert told["recommendations"].groupby("customer_id")["product_id"].nunique().unique().tolist() == [3]
    assert "base rate for all: too few clicks" in told["model_metrics"]["split"].tolist()
    assert told["click_predictions"]["click_probability"].nunique() == 1


def use_other_home(spark: SparkSession, settings: Settings) -> None:
    """Point the session at a home without touching the folders of the one before it."""
    for schema in ("gold", "ml"):
        for row in spark.sql(f"show tables in {schema}").collect():
            spark.sql(f"drop table if exists {schema}.{row['tableName']}")
    register_tables(spark, settings)


@pytest.mark.parametrize("name", [name for name in TASKS if name != "budget"])  # which has no model
def test_a_model_is_trained_anew_when_it_is_old_or_the_rows_or_the_seed_are_others(
    request: pytest.FixtureRequest, name: str
) -> None:
    shop = request.getfixturevalue(OF_OTHER_SHOPS.get(name, "shop"))
    task, week = TASKS[name], timedelta(days=shop.refresh_days)
    assert task.refresh_reason(shop, AS_OF, SEED) == ""
    assert task.refresh_reason(shop, AS_OF + week - timedelta(days=1), SEED) == ""
    assert task.refresh_reason(shop, AS_OF + week, SEED) == "the model is 7 days old"
    assert "days old" in task.refresh_reason(shop, AS_OF - timedelta(days=1), SEED)
    assert "seed" in task.refresh_reason(shop, AS_OF, SEED + 1)
    assert "days old" in task.refresh_reason(shop.model_copy(update={"refresh_days": 0}), AS_OF, SEED)


def test_a_tenth_more_rows_ask_for_a_new_model(shop: Settings, tmp_path: Path) -> None:
    grown = shop.model_copy(update={"home": tmp_path / "home"})
    shutil.copytree(shop.home, grown.home)
    grown = grown.model_copy(update={"mlflow_tracking_uri": SecretStr(shop.mlflow_uri)})
    paths = [grown.table_path("gold", table) for table in TASKS["segment"].reads]
    before = {path: DeltaTable(path).to_pyarrow_table() for path in paths}
    for path, rows in before.items():
        write_deltalake(path, rows.slice(0, len(rows) // 20), mode="append")
    assert TASKS["segment"].refresh_reason(grown, AS_OF, SEED) == ""
    for path, rows in before.items():
        write_deltalake(path, rows.slice(0, len(rows) // 10), mode="append")
    assert "rows of features" in TASKS["segment"].refresh_reason(grown, AS_OF, SEED)
