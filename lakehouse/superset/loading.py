"""The assets into a Superset, whole or not at all, as often as one likes: what is there under our names is replaced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lakehouse.errors import InputError
from lakehouse.superset.assets import DATABASE_FILE, Assets
from lakehouse.superset.client import Superset, said_by
from lakehouse.superset.connection import Connection


@dataclass(frozen=True)
class Imported:
    """What is in Superset now.

    `dashboards` has the address of each by title. `absent` names gold tables that a chart wants and the database does
    not show: such charts stay empty until a run has published them.
    """

    dashboards: dict[str, str]
    charts: int
    datasets: int
    absent: tuple[str, ...]


def import_assets(superset: Superset, assets: Assets, connection: Connection) -> Imported:
    """Replace database, datasets, charts and dashboards by these, in one transaction of Superset's.

    Raises:
        InputError: Superset has no driver for the database, or the database refuses user, password or certificate.
        LakehouseError: Superset cannot be reached, or refuses the files.
    """
    _try_connection(superset, connection)
    bundle = assets.bundle(connection.masked_uri, connection.extra)
    superset.post(
        "/api/v1/assets/import/",
        files={"bundle": ("lakehouse.zip", bundle, "application/zip")},
        data={"passwords": superset.as_json({DATABASE_FILE: connection.password} if connection.password else {})},
    )
    shown = _tables(superset, str(assets.files[DATABASE_FILE]["uuid"]))
    wanted = {str(one["table_name"]) for one in assets.of("datasets") if one["sql"] is None}
    return Imported(
        dashboards={
            str(one["dashboard_title"]): f"{superset.url}/superset/dashboard/{one['slug']}/"
            for one in assets.of("dashboards")
        },
        charts=len(assets.of("charts")),
        datasets=len(assets.of("datasets")),
        absent=tuple(f"gold.{table}" for table in sorted(wanted - shown)),
    )


def _try_connection(superset: Superset, connection: Connection) -> None:
    asked = {
        "database_name": "Lakehouse (tried)",
        "sqlalchemy_uri": connection.uri,
        "extra": superset.as_json(connection.extra),
        "impersonate_user": False,
    }
    answer = superset.send("POST", "/api/v1/database/test_connection/", json=asked)
    if answer.ok:
        return
    reason = said_by(answer)
    if connection.password:
        reason = reason.replace(connection.password, "***")
    kind = connection.kind
    if "driver" in reason.lower() or "load dialect" in reason.lower() or "NoSuchModule" in reason:
        remedy = (
            "install the package of helm/superset in it, or give hive://USER@HOST:PORT/gold?auth=CUSTOM"
            if kind == "spark"
            else "install PyHive, thrift, thrift_sasl and pure-sasl in it"
        )
        raise InputError(f"the Superset at {superset.url} has no driver for {kind}://: {remedy} ({reason})")
    raise InputError(
        f"Superset cannot read {connection.shown}: {reason}; the address is as seen from Superset: see to host, port, "
        "user and --database-password-file"
    )


def _tables(superset: Superset, uuid: str) -> set[str]:
    """Tables and views of gold that the database shows, as the dialog for new datasets lists them."""
    found: list[dict[str, Any]] = superset.get("/api/v1/database/", q="(page_size:100)")["result"]
    number = next(one["id"] for one in found if one.get("uuid") == uuid)
    listed = superset.get(f"/api/v1/database/{number}/tables/", q="(force:!t,schema_name:gold)")
    return {str(one["value"]) for one in listed["result"]}
