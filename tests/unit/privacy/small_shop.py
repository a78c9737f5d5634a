"""A shop of two customers, landed, for what is to be seen of persons' rights without a run."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

from lakehouse.bronze import land
from lakehouse.privacy.erasure.requests import erase
from lakehouse.settings import load_settings
from lakehouse.sources import load_source
from lakehouse.storage import delta_table

NOON = datetime(2025, 7, 1, 12, tzinfo=timezone.utc)
EVENTS = "id,uid,cookie,what,at\n1,C001,ann-phone,view,\n2,,ann-phone,view,\n3,C001,family,view,\n4,C002,family,view,\n"
CLOCK = partial(datetime.now, timezone.utc)
SOURCE = """
name: shop
entities:
  customers:
    path: people*.csv
    columns: {customer_id: no, full_name: name, phone: mobile, city: town, language: upper(lang)}
  order_lines:
    path: orders*.csv
    columns: {order_id: order, customer_id: cust, unit_price: price}
    attributes: {gift: note}
  events:
    path: events*.csv
    columns: {event_id: id, customer_id: uid, anonymous_id: cookie, event_type: what, event_at: at}
  tickets:
    path: tickets*.csv
    columns: {ticket_id: id, customer_id: "concat('C', lpad(who, 3, '0'))", body: text}
"""


def refuse(sql: str) -> list[tuple[Any, ...]]:
    raise AssertionError(f"no engine is needed, yet it was asked {sql}")


class Home:
    """A home and the folder that its files come from."""

    def __init__(self, folder: Path, source: str = SOURCE, storage: str | None = None) -> None:
        self.folder, self.settings = folder, load_settings(home=folder / "home", storage=storage)
        self.at = NOON
        folder.mkdir(exist_ok=True)
        (folder / "source.yml").write_text(source)
        self.write(
            "people.csv", "no,name,mobile,town,lang\nC001,Ann,13800138000,Oslo,en\nC002,Bo,13800138001,Rome,it\n"
        )
        self.write("orders.csv", "order,cust,price,note\n1,C001,5,for Ann\n2,C002,7,\n")
        self.write("events.csv", EVENTS)
        self.write("tickets.csv", "id,who,text\n1,1,it broke\n2,2,thanks\n")

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def land(self) -> None:
        self.at += timedelta(hours=1)
        land(self.settings, [load_source(self.folder / "source.yml")], f"{self.at:%H}", self.at)

    def rows(self, table: str) -> list[dict[str, Any]]:
        return list(delta_table(self.settings, f"bronze.{table}").to_pyarrow_table().to_pylist())

    def erase(self, *named: str, tell: Any = lambda step, what: None) -> Path:
        return erase(self.settings, named, "customers", "asked", CLOCK, self.ask, tell)

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """What an engine answers of the source's expression: the customers of tickets, or where those of C001 are."""
        tickets = [("C" + row["who"].zfill(3), row) for row in self.rows("tickets")]
        if "select distinct" in sql:
            return [(customer,) for customer in sorted({customer for customer, _ in tickets})]
        return [(row["_batch_id"], row["_row_number"]) for customer, row in tickets if f"'{customer}'" in sql]
