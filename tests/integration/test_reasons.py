"""What marts say is true: the sentence of every row names the largest contribution, in both languages.

Models are made up at random. The sentence is read back into the feature and the direction that it speaks of, and those
are held against the exact contributions (which the tests of each task hold against setting a feature aside) or, for a
plan, against solving the program again with another limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, get_args

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from deltalake import write_deltalake
from scipy.optimize import linprog

from lakehouse import ops
from lakehouse.engine import open_engine
from lakehouse.engine.sail import open_sail
from lakehouse.settings import Language, Settings, load_settings
from lakehouse.transformation import Transformation
from ml.budget.channels import Channel
from ml.budget.features import Shares
from ml.budget.plan import Plan, plan
from ml.budget.score import rows_of
from ml.churn.features import COVARIATES, HORIZON
from ml.churn.model import ChurnModel
from ml.churn.score import reasons
from ml.click.score import pairs
from ml.purchase.features import PLAIN, SPANS, Customers
from ml.purchase.fits import by_scikit_learn
from ml.purchase.model import PurchaseModel
from ml.purchase.score import predictions
from ml.segment.evaluate import nearest_centre, squared_distances
from ml.segment.features import DIMENSIONS, Scale
from ml.segment.model import SegmentModel
from ml.segment.naming import ARCHETYPES
from ml.segment.score import why
from ml.tables import ML_SCHEMAS
from tests.integration.gold_by_dbt import run_dbt
from tests.unit.ml.click.test_reasons import CREATIVES, a_model, of_creatives, shown, some_customers
from tests.unit.sentences import MACROS, keys_of

MARTS = ("act_segments", "act_churn_rescue", "act_purchase_propensity", "act_click_propensity", "act_budget")
PEOPLE = 300
LANGUAGES: tuple[Language, ...] = get_args(Language)
Row = dict[str, Any]


@dataclass(frozen=True)
class Told:
    """The rows of each mart by language, and what is true of them."""

    settings: Settings
    said: Mapping[tuple[Language, str], list[Row]]
    hazards: pd.DataFrame
    purchases: tuple[PurchaseModel, Customers]
    plans: Mapping[str, Plan]
    leads: Mapping[str, pd.DataFrame]


def churn_rows(rng: np.random.Generator) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Contributions (customers x covariates), and the columns of `ml.churn_predictions`."""
    names, days = list(COVARIATES), np.arange(HORIZON + 1.0)
    model = ChurnModel(
        "cox", 60, names, rng.random(len(names)) * 3, rng.random(len(names)) + 0.5, rng.normal(size=len(names)),
        days / 100, np.exp(-days / 100), np.zeros((len(names) + 1, len(names) + 1)),
    )  # fmt: skip
    told = pd.DataFrame(rng.random((PEOPLE, len(names))) * 40, columns=names)
    told["is_member"] = rng.integers(0, 2, PEOPLE)
    told[["discount_rate", "active_days_per_month"]] /= 40
    given = model.contributions(told)
    feature, effect, value = reasons(given, names, told.to_numpy())
    columns = {"churn_probability": 0.4, "is_lapsed": False, "reason_feature": feature, "reason_effect": effect}
    return pd.DataFrame(given, columns=names), {**columns, "reason_value": value}


def buyers(rng: np.random.Generator) -> tuple[PurchaseModel, Customers]:
    plain = np.round(rng.random((PEOPLE, len(PLAIN))) * 50).astype(np.float32).astype(np.float64)
    for span in SPANS:
        plain[rng.random(PEOPLE) < 0.2, PLAIN.index(span)] = np.nan
    channel = np.array(["app", "web", None], dtype=object)[rng.integers(0, 3, PEOPLE)]
    customers = Customers(np.array([f"c{n:03d}" for n in range(PEOPLE)], dtype=object), plain, channel)
    rows = customers.matrix(["app"], 120)
    told = (
        "days_since_last_order",
        "spend_amount",
        "discount_rate",
        "view_count_7d",
        "order_count",
        "average_gap_days",
    )
    wanted = [PLAIN.index(name) for name in told] + [len(PLAIN)]
    score = rows[:, wanted] / rows[:, wanted].std(axis=0) @ np.array([-1.0, 1.0, 1.0, 1.0, 1.0, -1.0, 1.0])
    return PurchaseModel(by_scikit_learn(rows, (score > np.median(score)).astype(float), 3), ["app"], 120), customers


def segment_rows(rng: np.random.Generator) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """How much nearer each customer is to their centre than to each other one, by dimension: segment -> customers x
    dimensions, NaN for their own; and the columns of `ml.customer_segments`.
    """
    scale = Scale(np.full(len(DIMENSIONS), 2.0), rng.random(len(DIMENSIONS)) + 0.5)
    model = SegmentModel(scale, rng.normal(size=(len(ARCHETYPES), len(DIMENSIONS))), list(ARCHETYPES))
    values = np.round(np.exp(rng.normal(2.0, 1.0, (PEOPLE, len(DIMENSIONS)))))
    points = scale.apply(values)
    place = nearest_centre(points, model.centres)
    leads = {}
    for kind, centre in zip(model.names, model.centres, strict=True):
        lead = np.column_stack(
            [
                squared_distances(points[:, [one]], centre[None, [one]])[:, 0]
                - np.diag(squared_distances(points[:, [one]], model.centres[place][:, [one]]))
                for one in range(len(DIMENSIONS))
            ]
        )
        lead[[model.names[own] == kind for own in place]] = np.nan
        leads[kind.name] = pd.DataFrame(lead, columns=list(DIMENSIONS))
    names = np.array([kind.name for kind in model.names], dtype=object)[place]
    return leads, {"segment_name": names, "action": "x", **why(model, points, values, place)}


def random_plan(rng: np.random.Generator, currency: str) -> Plan:
    """Of some channels, and a budget between half and 2.2 times what they cost lately."""
    count = int(rng.integers(2, 7))
    contacts = np.where(rng.random(count) < 0.1, 0, rng.integers(5, 500, count))
    cost = np.where(rng.random(count) < 0.1, 0.0, rng.lognormal(0, 1, count))
    returns = pd.DataFrame(
        {
            "channel": [f"ch{n}" for n in range(count)],
            "currency": currency,
            "contact_count_30d": contacts,
            "contact_count_90d": 3 * contacts,
            "cost_per_contact": cost,
            "return_per_contact": np.where(rng.random(count) < 0.1, 0.0, rng.lognormal(1, 1, count)),
            "return_standard_error": 0.1,
        }
    )
    shares = Shares(*rng.choice([(0.0, 2.0), (0.5, 2.0), (1.0, 1.0)], p=[0.3, 0.6, 0.1]))
    return plan(currency, returns, float((cost * contacts).sum() * rng.uniform(0.45, 2.2)), shares)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    folder = tmp_path_factory.mktemp("reasons")
    settings = load_settings(home=folder / "home")
    rng = np.random.default_rng(11)
    hazards, at_risk = churn_rows(rng)
    leads, grouped = segment_rows(np.random.default_rng(12))
    purchases = buyers(rng)
    plans = {name: random_plan(rng, name) for name in (f"A{one}{other}" for one in "ABCDEF" for other in "ABCDEFGHIJ")}
    clicks = pairs(a_model(rng), some_customers(rng, 40), of_creatives({name: shown(rng, name) for name in CREATIVES}))
    ids = [f"c{n:03d}" for n in range(PEOPLE)]
    write_ml(settings, "churn_predictions", pd.DataFrame({"customer_id": ids, **at_risk}).to_dict("records"))
    write_ml(settings, "customer_segments", pd.DataFrame({"customer_id": ids, **grouped}).to_dict("records"))
    write_ml(settings, "purchase_predictions", pd.DataFrame(predictions(*purchases)).to_dict("records"))
    write_ml(settings, "budget_allocation", [row for one in plans.values() for row in rows_of(one)])
    write_ml(settings, "click_predictions", pd.DataFrame(clicks).to_dict("records"))
    money = pa.decimal128(18, 2)
    write(settings, "gold", "dim_customer", {"customer_id": ids, "clv_amount": pa.array([100] * PEOPLE, money)})
    mixed = [bool(n % 3 == 0) for n in range(PEOPLE)]
    known = {"customer_id": ids, "currency": ["EUR"] * PEOPLE, "has_mixed_currencies": mixed}
    write(settings, "gold", "feat_customer_rfm", known)
    everybody = sorted({*ids, *pd.DataFrame(clicks)["customer_id"].dropna()})
    contacts = {"customer_id": everybody, "is_contactable": [True] * len(everybody)}
    write(settings, "gold", "dim_consent", contacts)
    nowhere = pa.array([], pa.string())
    of_ads = {"shown_at": pa.array([], pa.timestamp("us", "UTC")), "shown_on": pa.array([], pa.date32())}
    write(settings, "gold", "feat_impressions", {"creative_id": nowhere, "campaign_id": nowhere, **of_ads})
    write(settings, "silver", "campaigns", {"campaign_id": nowhere, "name": nowhere})
    open_engine(settings)
    said = {}
    for language in LANGUAGES:
        compiled = run_dbt(["compile", "--select", *MARTS, "--vars", f"{{language: {language}}}"], folder / language)
        for one in (one for one in compiled if one.node.name in MARTS):
            said[language, one.node.name] = open_sail(settings).rows(str(one.node.compiled_code)).to_pylist()
    return Told(settings, said, hazards, purchases, plans, leads)


def write_ml(settings: Settings, table: str, rows: list[Row]) -> None:
    schema = ML_SCHEMAS[table]
    clean = [{name: None if row.get(name) != row.get(name) else row.get(name) for name in schema.names} for row in rows]
    write_deltalake(settings.table_path("ml", table), pa.Table.from_pylist(clean, schema=schema))


def write(settings: Settings, schema: str, table: str, columns: Mapping[str, Any]) -> None:
    write_deltalake(settings.table_path(schema, table), pa.table(dict(columns)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_customer_at_risk_is_told_of_by_the_covariate_that_moves_their_hazard_most(
    told: Told, language: Language
) -> None:
    rows = told.said[language, "act_churn_rescue"]
    assert len(rows) == PEOPLE
    for row in rows:
        own = told.hazards.iloc[int(row["customer_id"][1:])]
        largest = str(own.abs().idxmax())
        ((effect, fact),) = keys_of(row["reason"], language, "churn_reasons", "churn_facts")
        assert (effect, fact.split("=")[0]) == ("raises" if own[largest] > 0 else "lowers", largest)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_segment_is_told_of_by_what_tells_most_from_the_next_nearest(told: Told, language: Language) -> None:
    rows = told.said[language, "act_segments"]
    assert len(rows) == PEOPLE
    named = set()
    for row in rows:
        place = int(row["customer_id"][1:])
        behind = {name: lead.iloc[place] for name, lead in told.leads.items() if name != row["segment_name"]}
        nearest = min(behind, key=lambda name: float(behind[name].sum()))
        largest = str(behind[nearest].idxmax())
        assert row["next_segment_name"] == nearest
        assert keys_of(row["reason"], language, "segment_reasons", "segment_facts") == {("apart", largest)}
        own, other = (MACROS["segment_names"][name][language] for name in (row["segment_name"], nearest))
        frame = MACROS["segment_reasons"]["apart"][language].replace("{segment}", own).replace("{other}", other)
        assert row["reason"].endswith(frame.removeprefix("{fact}"))
        named.add(largest)
    assert named == set(DIMENSIONS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_buyer_is_told_of_by_the_feature_with_the_largest_shapley_value(told: Told, language: Language) -> None:
    model, customers = told.purchases
    contributions = pd.DataFrame(
        model.forest.contributions(model.rows(customers)), customers.ids, [name.split("=")[0] for name in model.names]
    )
    rows = told.said[language, "act_purchase_propensity"]
    assert len(rows) == PEOPLE
    named = set()
    for row in rows:
        own = contributions.loc[row["customer_id"]]
        largest = str(own.abs().idxmax())
        ((sign, fact),) = keys_of(row["reason"], language, "purchase_reasons", "purchase_facts")
        assert (int(sign), fact.split("=")[0].split(" ")[0]) == (np.sign(own[largest]), largest)
        named.add(fact)
    assert len(named) > 4


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_click_is_told_of_by_the_column_that_its_row_gives(told: Told, language: Language) -> None:
    """That this column has the largest contribution is tested where it is computed (tests/unit/ml/click)."""
    rows = told.said[language, "act_click_propensity"]
    assert len(rows) == 40 * len(CREATIVES)
    for row in rows:
        found = keys_of(row["reason"], language, "click_reasons", "click_facts")
        column = row["reason_feature"].split(".")[0]
        signs = {sign.split(" ")[0] for sign, fact in found if fact == column}
        assert signs == {str(int(np.sign(row["reason_effect"])))}
        assert {fact for _, fact in found} == {column}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_channel_is_told_of_by_the_limit_that_binds_it(told: Told, language: Language) -> None:
    rows = told.said[language, "act_budget"]
    assert len(rows) == sum(len(one.channels) for one in told.plans.values())
    seen = set()
    for row in rows:
        found = told.plans[row["currency"]]
        holdings = {key for key, _ in keys_of(row["reason"], language, "budget_reasons", "budget_worths", "worth")}
        (holding,) = holdings
        seen.add(holding)
        assert_it_binds(holding, found, [one.name for one in found.channels].index(row["channel"]))
    assert seen >= {"conflict", "no contacts", "held", "maximum", "nearly maximum", "minimum", "nothing", "rest"}


def assert_it_binds(holding: str, found: Plan, place: int) -> None:
    """By HiGHS, of contacts that may be split: a limit binds where a contact more of it changes the best return."""
    channels, own = found.channels, found.channels[place]
    best = best_return(channels, found.budget)
    if holding == "conflict":
        assert best is None
        return
    assert best is not None
    most, least = own.maximum or 0.0, own.minimum
    near = 1e-7 * max(1.0, best)
    higher = best_return([*channels[:place], replace(own, maximum=most + 1), *channels[place + 1 :]], found.budget)
    forced = replace(own, minimum=least + 1, maximum=max(most, least + 1))
    more = best_return([*channels[:place], forced, *channels[place + 1 :]], found.budget)
    assert higher is not None
    if holding == "no contacts":
        assert most == 0
    elif holding == "held":
        assert most == least
    elif holding in ("maximum", "nearly maximum"):
        assert higher > best + near
    elif holding.endswith("no return"):
        assert own.unit_return <= 0
    elif holding in ("minimum", "nothing", "nearly minimum"):
        assert more is None or more < best - near
    else:
        assert holding == "rest"
        assert higher == pytest.approx(best, abs=near)
        richer = best_return(channels, found.budget + 1)
        assert richer is not None
        assert richer > best + near


def best_return(channels: list[Channel], budget: float) -> float | None:
    """Of the linear program; None where there is none."""
    found = linprog(
        [-one.unit_return for one in channels],
        A_ub=[[one.unit_cost for one in channels]],
        b_ub=[budget],
        bounds=[(one.minimum, one.maximum) for one in channels],
        method="highs",
    )
    return -float(found.fun) if found.status == 0 else None


def test_both_languages_say_as_many_different_things(told: Told) -> None:
    for mart in MARTS:
        pairs_said = {
            (str(row.get("reason_feature")), english["reason"], row["reason"])
            for english, row in zip(*(in_order(told.said[language, mart]) for language in LANGUAGES), strict=True)
        }
        english = {one for _, one, _ in pairs_said}
        chinese = {other for _, _, other in pairs_said}
        assert len(english) == len(chinese) == len(pairs_said), mart


def in_order(rows: list[Row]) -> list[Row]:
    keys = ("customer_id", "creative_id", "currency", "channel")
    return sorted(rows, key=lambda row: [str(row.get(key)) for key in keys])


def test_another_language_makes_the_marts_that_speak_anew_and_what_reads_them(told: Told) -> None:
    ops.ensure_tables(told.settings)
    project, today = Transformation(told.settings), date(2025, 12, 31)
    english = project.signatures("marts", today)
    project.settings = told.settings.model_copy(update={"language": "zh"})
    chinese = project.signatures("marts", today)
    anew = {name for name in english if english[name] != chinese[name]}
    assert {*MARTS, "act_recommendations", "dim_customer"} <= anew
    assert not anew & {"fct_orders", "dim_product", "mart_revenue_daily", "dim_consent"}


def test_another_policy_of_contact_makes_anew_who_may_be_contacted_and_what_reads_it(told: Told) -> None:
    ops.ensure_tables(told.settings)
    project, today = Transformation(told.settings), date(2025, 12, 31)
    before = project.signatures("marts", today)
    for changed in ({"assume_consent": False}, {"contact_cap_count": 3}):
        project.settings = told.settings.model_copy(update=changed)
        now = project.signatures("marts", today)
        anew = {name for name in now if now[name] != before[name]}
        assert {*MARTS, "act_recommendations", "dim_customer", "dim_consent"} - {"act_budget"} <= anew
        assert not anew & {"fct_orders", "dim_product", "mart_revenue_daily", "act_budget"}
