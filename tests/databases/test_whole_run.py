"""The main job on a shop in PostgreSQL: the figures that its file gives, before and after a change.

The figures are those that pandas finds in the file, as in tests/examples.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lakehouse.settings import load_settings
from tests.integration.databases.servers import PASSWORD, USER, Server, postgresql_binaries, start_postgresql

LINES = load_settings().data_dir / "online_retail_2010-12_2011-05.csv.gz"
SOURCE = """
name: online_retail_database
timezone: Europe/London
currency: GBP
entities:
  order_lines:
    path: {jdbc}
    user: {user}
    password: ${{SHOP_DB_PASSWORD}}
    table: invoice_lines
    watermark: changed_at
    partition_column: id
    key: [order_id, line_number]
    columns:
      order_id: invoice
      line_number: id
      customer_id: customer
      product_id: article
      ordered_at: invoiced_at
      quantity: quantity
      unit_price: price
      is_cancelled: invoice like 'C%'
"""

pytestmark = [
    pytest.mark.skipif(not LINES.exists(), reason=f"no {LINES}: set LAKEHOUSE_DATA_DIR"),
    pytest.mark.skipif(not postgresql_binaries(), reason="no postgresql server here: apt-get install postgresql"),
]


@pytest.fixture
def server() -> Iterator[Server]:
    server = start_postgresql()
    with gzip.open(LINES) as packed:
        (server.folder / "lines.csv").write_bytes(packed.read())
    server.run(
        "create table invoice_lines (id serial primary key, changed_at timestamptz not null default '2024-01-01Z',"
        " invoice text, article text, description text, quantity int, invoiced_at timestamp, price numeric(12,4),"
        " customer text, country text);\n"
        "\\copy invoice_lines (invoice, article, description, quantity, invoiced_at, price, customer, country)"
        f" from {server.folder / 'lines.csv'} csv header\n"
    )
    yield server
    server.stop()


def test_a_run_from_a_database_gives_the_figures_of_the_file(server: Server, tmp_path: Path) -> None:
    home, source = tmp_path / "home", tmp_path / "source.yml"
    source.write_text(SOURCE.format(jdbc=server.jdbc, user=USER))

    def lakehouse(*arguments: str) -> str:
        secrets = {"SHOP_DB_PASSWORD": PASSWORD, "LAKEHOUSE_EXPORT_PASSWORD": PASSWORD}
        environment = {**os.environ, **secrets, "LAKEHOUSE_HOME": str(home)}
        command = [str(Path(sys.executable).with_name("lakehouse")), *arguments]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert PASSWORD not in ended.stdout + ended.stderr
        return ended.stdout

    def figures() -> dict[str, object]:
        asked = (
            "select (select sum(rows_landed) from ops.loads where is_current) as lines,"
            " (select count(*) from gold.feat_customer_rfm) as customers,"
            " (select cast(sum(monetary_amount) as string) from gold.feat_customer_rfm) as revenue"
        )
        (row,) = json.loads(lakehouse("sql", "--json", asked))
        return dict(row)

    lakehouse("run", "--source", str(source))
    assert figures() == {"lines": 209_029, "customers": 2_718, "revenue": "3332591.96"}
    assert "unchanged" in lakehouse("run")
    sold = "quantity > 0 and price > 0 and customer is not null and invoice not like 'C%'"
    server.run(
        f"update invoice_lines set quantity = quantity + 10, changed_at = '2024-01-02Z' where id = "
        f"(select min(id) from invoice_lines where {sold})"
    )
    lakehouse("run")
    ((revenue,),) = server.run(f"select round(sum(round(quantity * price, 2)), 2) from invoice_lines where {sold}")
    assert figures() == {"lines": 209_030, "customers": 2_718, "revenue": revenue}
    lakehouse("export", "feat_customer_rfm", "--purpose", "analytics", "--to", server.target)
    ((count, total),) = server.run("select count(*), sum(monetary_amount) from feat_customer_rfm")
    assert (count, total) == ("2718", revenue)
    found = subprocess.run(["grep", "-rlF", PASSWORD, str(home)], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (1, "")
