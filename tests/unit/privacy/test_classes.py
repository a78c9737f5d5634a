"""Every column has a class, and what is made of the classes is what the privacy officer would say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from lakehouse.bronze.roles import roles
from lakehouse.entities import ENTITIES, Column
from lakehouse.errors import InputError, LakehouseError
from lakehouse.privacy import classes
from lakehouse.privacy.classes import CLASSES, ColumnClass, class_of, hidden_columns, is_about_people
from lakehouse.privacy.uses import check_uses, export_purpose
from lakehouse.settings import CHECKOUT
from lakehouse.sources import EntitySource, parse_source

MODELS = CHECKOUT / "dbt_project" / "models"


def declared() -> dict[str, list[str]]:
    """dbt models and source tables -> the columns that their `.yml` names."""
    found: dict[str, list[str]] = {}
    for path in sorted(MODELS.rglob("*.yml")):
        content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        for model in content.get("models", []):
            found[model["name"]] = [column["name"] for column in model.get("columns", [])]
        for source in content.get("sources", []):
            for table in source["tables"]:
                found[f"{source['name']}.{table['name']}"] = [c["name"] for c in table.get("columns") or []]
    return found


@pytest.fixture
def undone() -> Any:
    """The declaration is read anew after a test that changed something of it."""
    yield
    classes._classes.cache_clear()


def test_every_column_of_entities_models_and_tables_has_a_class_a_purpose_and_is_where_it_may_be() -> None:
    tables = declared()
    check_uses(tables)
    entities = {name: list(entity.columns) for name, entity in ENTITIES.items()}
    all_tables = {**tables, **entities}
    assert sum(map(len, all_tables.values())) > 1100
    for table, columns in all_tables.items():
        for column in columns:
            assert class_of(table, column).kind in CLASSES, (table, column)
            assert class_of(table, column).purpose, (table, column)


def test_an_entity_with_a_column_without_a_class_stops_the_build(monkeypatch: pytest.MonkeyPatch, undone: None) -> None:
    monkeypatch.setitem(ENTITIES["customers"].columns, "passport", Column("string", "Number of the passport."))
    classes._classes.cache_clear()
    with pytest.raises(
        LakehouseError, match=r"^column passport of entity customers has no class: say in lakehouse/pri"
    ):
        parse_source({"name": "shop", "entities": {}}, Path())


def test_a_model_with_a_column_without_a_class_stops_the_build() -> None:
    with pytest.raises(LakehouseError, match=r"^column shoe_size of feat_customer_rfm has no class: say in "):
        check_uses({"feat_customer_rfm": ["customer_id", "shoe_size"]})


def test_silver_carries_no_identity_card() -> None:
    with pytest.raises(LakehouseError, match="stg_customers carries id_card, which goes nowhere beyond bronze"):
        check_uses({"stg_customers": ["customer_id", "id_card"]})


@pytest.mark.parametrize("column", ["phone", "body", "last_ticket_reason"])
def test_models_are_offered_no_identifier_and_nothing_sensitive(column: str) -> None:
    with pytest.raises(LakehouseError, match=rf"feat_customer_rfm offers {column} \(\w+ ?\w*\) to models: take it out"):
        check_uses({"feat_customer_rfm": [column]})
    check_uses({"feat_ticket_text": ["body"]})  # what the text model is for


@pytest.mark.parametrize(
    ("table", "column", "expected"),
    [
        ("customers", "phone", ColumnClass("direct_identifier", "contract", 1095, "phone")),
        ("bronze.customers", "id_card", ColumnClass("direct_identifier", "legal_duty", 1095, "id_card", False)),
        ("stg_customers", "birth_year", ColumnClass("quasi_identifier", "contract", 1095)),
        ("silver.customers", "attributes", ColumnClass("sensitive", "analytics", 1095, "withheld")),
        ("gold.dim_customer", "phone", ColumnClass("direct_identifier", "analytics", None, "phone")),
        ("stores", "latitude", ColumnClass("none", "catalogue")),
        ("locations", "latitude", ColumnClass("sensitive", "analytics", 180, "grid")),
        ("gold.dim_customer", "latitude", ColumnClass("direct_identifier", "analytics", None, "grid")),
        ("act_recommendations", "product_id", ColumnClass("behaviour", "marketing")),
        ("dim_product", "product_id", ColumnClass("none", "analytics")),
        ("ml.customer_traits", "value", ColumnClass("quasi_identifier", "analytics")),
        ("ops.as_of", "as_of_on", ColumnClass("none", "operations")),
    ],
)
def test_a_column_has_the_class_of_its_table(table: str, column: str, expected: ColumnClass) -> None:
    assert class_of(table, column) == expected


def test_what_samples_hide_covers_all_that_says_who_where_or_what_somebody_is() -> None:
    told = (
        "full_name phone email id_card given_name address latitude longitude gender birth_on birth_year age_years city"
    )
    words = "subject body query url referrer interests age_band income_band raw balance_amount attributes"
    assert hidden_columns() >= {*told.split(), *words.split()}
    assert not hidden_columns() & {"customer_id", "order_id", "product_id", "monetary_amount", "ordered_at"}


def test_of_raw_columns_behind_masked_ones_no_value_is_kept() -> None:
    mapped = EntitySource(
        path=("a.csv",), columns={"customer_id": "Id", "phone": "Tel", "birth_on": "Born", "city": "Ort"}
    )
    assert roles("customers", mapped, ["id", "tel", "born", "ort"]).personal == {"tel", "born"}


def test_tables_of_counts_are_not_about_people() -> None:
    about = {table: is_about_people(table) for table in declared() if not table.startswith(("stg_", "bronze.", "ml."))}
    of_counts = {table for table, is_of_people in about.items() if not is_of_people}
    assert of_counts == {
        "act_budget", "dim_product", "fct_funnel", "feat_channel_returns", "feat_product", "int_products_as_of",
        "mart_revenue_daily", "ops_gates", "ops_loads_daily", "ops_rules", "ops_steps", "outlier_bounds",
        "ops.as_of", "ops.loads", "ops.runs", "ops.sources", "ops.validations",
    }  # fmt: skip


def test_an_export_gets_only_what_its_purpose_and_channel_need() -> None:
    columns = declared()["dim_customer"]
    by_email = export_purpose("marketing", "email", "gold.dim_customer")
    allowed = {column for column in columns if by_email.allows("dim_customer", column, "email")}
    assert {"customer_id", "full_name", "email", "language", "segment_name", "clv_amount"} <= allowed
    assert not allowed & {"phone", "address", "latitude", "gender", "age_years", "attributes", "last_ticket_reason"}
    analytics = export_purpose("analytics", None, "gold.dim_customer")
    allowed = {column for column in columns if analytics.allows("dim_customer", column, None)}
    assert {"customer_id", "gender", "age_years", "city"} <= allowed
    assert not allowed & {"full_name", "email", "phone", "address", "latitude", "attributes"}


@pytest.mark.parametrize(
    ("purpose", "channel", "sentence"),
    [
        (None, None, r"gold.dim_customer is about people: say what for with --purpose \(marketing, analytics\)"),
        ("fun", None, "--purpose 'fun' is none of marketing, analytics"),
        ("marketing", None, "consent for marketing is given by channel: say over which channel with --channel"),
        ("marketing", "fax", "--channel 'fax' is none it knows"),
        ("analytics", "email", "purpose analytics goes over no channel: leave --channel out"),
    ],
)
def test_an_export_must_say_what_for(purpose: str | None, channel: str | None, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        export_purpose(purpose, channel, "gold.dim_customer")
