"""Tf-idf of tags by the engine's SQL: the worked case, and scikit-learn's formulas on the same rows.

The shop is made for the case: 100,000 customers with one view each, of `tea` for 10,000 of them and of one of forty
other categories for the rest, and one more view for every third; then the first customer, who has seen tea, cups and
pots once each. Nobody has a brand. gold.feat_customer_tags is built by dbt as a run builds it.
"""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from scipy import sparse
from sklearn.feature_extraction.text import TfidfTransformer

from benchmarks.evaluations import DataSet, Row
from lakehouse import ops
from lakehouse.builds import Ledger
from lakehouse.engine import open_engine
from lakehouse.settings import Settings, load_settings
from lakehouse.transformation import Transformation

AS_OF = date(2024, 6, 30)
CUSTOMERS, WITH_TEA = 100_000, 10_001
OTHERS = 40
WORKED_CASE = 0.7675
CLOSE = 1e-12


def rows() -> list[Row]:
    """What was checked, our figure, the reference, and whether they agree; one row per check."""
    with tempfile.TemporaryDirectory() as folder:
        tags = built_tags(load_settings(home=Path(folder) / "home"))
    return [worked_case(tags), *against_scikit_learn(tags)]


def views() -> pd.DataFrame:
    """One row per customer and product seen, with `view_count`; products are named by their category."""
    number = np.arange(1, CUSTOMERS)
    other = np.char.add("kind ", (number % OTHERS).astype(str))
    seen = np.where(number < WITH_TEA, "tea", other)
    plain = pd.DataFrame({"customer_id": number.astype(str), "product_id": seen, "view_count": 1})
    again = plain[number % 3 == 0].assign(product_id=other[number % 3 == 0])
    first = pd.DataFrame({"customer_id": "0", "product_id": ["tea", "cup", "pot"], "view_count": 1})
    return pd.concat([plain, again, first]).groupby(["customer_id", "product_id"], as_index=False).sum()


def built_tags(settings: Settings) -> pd.DataFrame:
    """gold.feat_customer_tags of that shop, by dbt and the engine."""
    seen = views()
    none = np.zeros(len(seen), dtype=np.int64)
    interactions = {name: pa.array(seen[name]) for name in seen} | {
        "cart_count": pa.array(none),
        "purchase_count": pa.array(none),
        "rating": pa.nulls(len(seen), pa.float64()),
    }
    kinds = sorted(seen["product_id"].unique())
    products = {"product_id": kinds, "category": kinds, "brand": pa.nulls(len(kinds), pa.string())}
    ops.ensure_tables(settings)
    ops.overwrite(settings, "as_of", [{"as_of_on": AS_OF}])
    write_deltalake(settings.table_path("gold", "feat_interactions"), pa.table(interactions))
    write_deltalake(settings.table_path("gold", "feat_product"), pa.table(products))
    open_engine(settings)
    Transformation(settings).build("features", Ledger(settings), AS_OF, only=["feat_customer_tags"])
    return DeltaTable(settings.table_path("gold", "feat_customer_tags")).to_pandas()


def worked_case(tags: pd.DataFrame) -> Row:
    """1 of 3 views of a tag that 10,001 of 100,000 customers have."""
    row = tags[(tags["customer_id"] == "0") & (tags["tag"] == "tea")].iloc[0]
    counts = (row["view_count"], row["tag_customer_count"], row["customer_count"])
    assert counts == (1, WITH_TEA, CUSTOMERS), counts
    reached = round(float(row["weight"]), 4)
    what = "tags: 1 of 3 views, 10,001 of 100,000 customers"
    return what, f"{reached:.4f}", f"{WORKED_CASE:.4f}", reached == WORKED_CASE


def against_scikit_learn(tags: pd.DataFrame) -> list[Row]:
    """All rows, by scikit-learn's plain formula converted to ours, and by its default formula from our counts."""
    user, users = pd.factorize(tags["customer_id"])
    tag, names = pd.factorize(tags["tag"])
    count = tags["interaction_count"].to_numpy(dtype=np.float64)
    counts = sparse.csr_matrix((count, (user, tag)), shape=(len(users), len(names)))
    total = np.asarray(counts.sum(axis=1)).ravel()[user]

    plain = TfidfTransformer(norm=None, smooth_idf=False).fit_transform(counts)
    of_rows = np.asarray(plain[user, tag]).ravel()  # count x (ln(n / df) + 1)
    converted = np.abs((of_rows - count) / total - tags["weight"]).max()

    default = np.asarray(TfidfTransformer().fit_transform(counts)[user, tag]).ravel()
    smooth = count * (np.log((1 + tags["customer_count"]) / (1 + tags["tag_customer_count"])) + 1)
    ours = smooth / np.sqrt(np.bincount(user, smooth**2))[user]
    apart = np.abs(default - ours).max()
    number = f"{len(tags):,} rows"
    return [
        (
            f"tags: scikit-learn without smoothing, converted, {number}",
            f"{converted:.1e}",
            "0",
            bool(converted < CLOSE),
        ),
        (f"tags: scikit-learn's default from our counts, {number}", f"{apart:.1e}", "0", bool(apart < CLOSE)),
    ]


ON = {"worked-case": DataSet(rows)}
