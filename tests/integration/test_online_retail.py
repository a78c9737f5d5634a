"""Online Retail (UCI) up to the features: figures that anyone can compute from the raw file with pandas.

The whole run, with gates, models and marts, is one of `make examples`.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from deltalake import DeltaTable

from lakehouse import ops
from lakehouse.pipeline import AFTER_LANDING, LAND, Run, perform
from lakehouse.settings import CHECKOUT, Settings, load_settings
from lakehouse.sources import load_source
from tests.conftest import use_home
from tests.integration.conftest import Heard

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FILE = "online_retail_2010-12_2011-05.csv.gz"
STEPS = ("land", "silver", "as_of", "features")


@pytest.fixture(scope="module")
def raw_file() -> Path:
    """The data set; where it lies is the setting `data_dir`."""
    path = load_settings().data_dir / FILE
    if not path.exists():
        pytest.skip(f"{path} is not here: set LAKEHOUSE_DATA_DIR to a folder that holds it")
    return path


@pytest.fixture(scope="module")
def retail(spark: SparkSession, raw_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home that Online Retail was run into."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKEHOUSE_DATA_DIR", str(raw_file.parent))
        settings = load_settings(home=tmp_path_factory.mktemp("retail") / "home", spark_master="local[2]")
        settings.home.mkdir(parents=True)
        use_home(spark, settings)
        ops.ensure_tables(settings)
        run = Run(settings, [load_source(CHECKOUT / "examples" / "online_retail.yml")], None, Heard())
        for step in (LAND, *AFTER_LANDING):
            if step.name in STEPS:
                perform(run, step)
    return settings


@pytest.fixture(scope="module")
def sales(raw_file: Path) -> pd.DataFrame:
    """The sales of the raw file, by pandas alone."""
    lines = pd.read_csv(raw_file, dtype={"CustomerID": str, "InvoiceNo": str})
    lines["day"] = pd.to_datetime(lines["InvoiceDate"]).dt.normalize()
    is_sale = (
        (lines["Quantity"] > 0)
        & (lines["UnitPrice"] > 0)
        & lines["CustomerID"].notna()
        & ~lines["InvoiceNo"].str.startswith("C")
    )
    sold = lines[is_sale].copy()
    sold["amount"] = sold["Quantity"] * sold["UnitPrice"]
    return sold


def rows(settings: Settings, table: str) -> pd.DataFrame:
    """A gold table as pandas sees it."""
    return DeltaTable(settings.table_path("gold", table)).to_pandas()


def test_every_line_is_landed(retail: Settings) -> None:
    (load,) = ops.read(retail, "loads")
    assert (load["rows_read"], load["rows_landed"], load["rows_quarantined"]) == (209_029, 209_029, 0)


def test_customers_and_clean_revenue_are_the_known_ones(retail: Settings) -> None:
    rfm = rows(retail, "feat_customer_rfm")
    assert len(rfm) == 2_718
    assert sum(rfm["monetary_amount"]) == Decimal("3332591.96")


def test_rfm_of_every_customer_is_what_pandas_computes(retail: Settings, sales: pd.DataFrame) -> None:
    as_of = ops.read(retail, "as_of")[0]["as_of_on"]
    by_customer = sales.groupby("CustomerID")
    expected = pd.DataFrame(
        {
            "recency_days": (pd.Timestamp(as_of) - by_customer["day"].max()).dt.days,
            "frequency": by_customer["InvoiceNo"].nunique(),
            "monetary_amount": by_customer["amount"].sum().round(2),
        }
    ).sort_index()
    found = rows(retail, "feat_customer_rfm").set_index("customer_id").sort_index()
    assert list(found.index) == list(expected.index)
    assert (found["recency_days"].astype(int) == expected["recency_days"]).all()
    assert (found["frequency"].astype(int) == expected["frequency"]).all()
    difference = (found["monetary_amount"].astype(float) - expected["monetary_amount"]).abs()
    assert difference.max() < 0.011
