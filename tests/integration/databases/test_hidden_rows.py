"""Rows of people: bronze hides who they are, and yet an increment lands what changed and nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from deltalake import DeltaTable

from lakehouse.bronze import Load, land
from lakehouse.privacy.reveal import asking_user, reveal
from lakehouse.sources import parse_source
from tests.integration.databases.conftest import DatabaseShop, on_one
from tests.integration.databases.servers import USER, Server

COLUMNS = {"full_name": "name", "phone": "mobile", "registered_at": "changed_at"}


def land_people(shop: DatabaseShop, server: Server, customer_id: str, **said: bool) -> list[Load]:
    people = {
        "path": server.jdbc,
        "user": USER,
        "password": "${SHOP_DB_PASSWORD}",
        "table": "people",
        "key": ["customer_id"],
        "watermark": "changed_at",
        "overlap": "2 days",
        "columns": {"customer_id": customer_id, **COLUMNS},
    }
    shop.landings += 1
    loaded_at = datetime(2025, 1, 2, tzinfo=timezone.utc) + timedelta(days=shop.landings)
    source = parse_source({"name": "shop", **said, "entities": {"customers": people}}, shop.folder)
    return land(shop.settings, [source], "run", loaded_at)


@on_one("postgresql")
@pytest.mark.parametrize(("customer_id", "said"), [("id", {}), ("mobile", {"personal_key": True})])
def test_an_increment_of_people_lands_what_changed_though_bronze_hides_it(
    shop: DatabaseShop, server: Server, customer_id: str, said: dict[str, bool]
) -> None:
    server.run(
        "drop table if exists people; "
        "create table people (id int, name varchar(40), mobile varchar(20), changed_at timestamp); "
        "insert into people values (1, 'Ann Ray', '13800138001', '2024-05-01 10:00:00'), "
        "(2, 'Bob Ray', '13800138002', '2024-05-02 10:00:00')",
    )
    assert [load.rows_landed for load in land_people(shop, server, customer_id, **said)] == [2]
    assert land_people(shop, server, customer_id, **said) == []
    server.run("update people set name = 'Bob Rey' where id = 2")
    server.run("insert into people values (3, 'Cy Dee', '13800138003', '2024-05-02 11:00:00')")
    assert [load.rows_landed for load in land_people(shop, server, customer_id, **said)] == [2]
    assert land_people(shop, server, customer_id, **said) == []
    rows = DeltaTable(shop.settings.table_path("bronze", "customers")).to_pyarrow_table().to_pylist()
    assert len(rows) == 4
    assert {row["name"] for row in rows} == {row["mobile"] for row in rows} == {"***"}
    key = (
        "2"
        if customer_id == "id"
        else next(r["_shown_customer_id"] for r in rows if r["_shown_phone"] == "138****8002")
    )
    told = reveal(shop.settings, key, "a test", datetime.now(timezone.utc), asking_user())
    assert (told.records, told.by_source["shop"]["full_name"]) == (2, "Bob Rey")
