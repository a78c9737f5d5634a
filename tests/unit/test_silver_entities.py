"""dbt's declaration of the entities against the catalogue that source files are checked by."""

from __future__ import annotations

from typing import Any

import pytest
from jinja2 import Environment

from lakehouse.bronze.protection import plan_protection
from lakehouse.entities import ENTITIES
from lakehouse.privacy.classes import class_of
from lakehouse.privacy.identifiers import entities_with_identifiers
from lakehouse.settings import CHECKOUT

#: What a kind of dbt_project/macros/entities.sql is in SQL.
TYPES = {"text": "string", "gender": "string"}
#: What landing makes of an identifier, where it is no text.
MADE = {"birth_year": "int"}


class _Returned(Exception):
    def __init__(self, value: Any) -> None:
        self.value = value


def _call(macro: str, *arguments: str) -> Any:
    """What a macro of entities.sql returns, without dbt."""

    def give_back(value: Any) -> None:
        raise _Returned(value)

    text = (CHECKOUT / "dbt_project" / "macros" / "entities.sql").read_text(encoding="utf-8")
    module = Environment().from_string(text, globals={"return": give_back}).module
    with pytest.raises(_Returned) as returned:
        getattr(module, macro)(*arguments)
    return returned.value.value


def test_silver_knows_the_entities_that_a_source_file_may_bring() -> None:
    assert _call("entity_names") == list(ENTITIES)


@pytest.mark.parametrize("name", ENTITIES)
def test_silver_reads_the_columns_of_an_entity_as_the_catalogue_types_them(name: str) -> None:
    """Of identifiers it reads what landing shows of them."""
    kinds = _call("entity", name)["columns"]
    types = {column: TYPES.get(kind, kind) for column, kind in kinds.items()}
    catalogue = {column: about.type for column, about in ENTITIES[name].columns.items()}
    read = plan_protection(name, {column: f"`{column}`" for column in catalogue}, {}, list(catalogue)).columns
    assert types == {column: catalogue.get(column, MADE.get(column, "string")) for column in read}


@pytest.mark.parametrize("name", ENTITIES)
def test_silver_and_the_catalogue_agree_on_the_key(name: str) -> None:
    assert tuple(_call("entity", name)["key"]) == ENTITIES[name].key


def test_what_silver_hides_of_refused_rows_is_what_ops_keeps_no_value_of_and_all_that_the_vault_keeps() -> None:
    hidden = set(_call("hidden_columns"))
    assert hidden == {c for name, entity in ENTITIES.items() for c in entity.columns if class_of(name, c).mask}
    assert hidden >= {column for columns in entities_with_identifiers().values() for column in columns}


def test_there_is_a_staging_model_with_its_description_for_every_entity() -> None:
    staging = CHECKOUT / "dbt_project" / "models" / "staging"
    models = {f"stg_{name}" for name in ENTITIES}
    assert {path.stem for path in staging.glob("*.sql")} == models
    assert {path.stem for path in staging.glob("*.yml")} == models
