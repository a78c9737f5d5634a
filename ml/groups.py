"""Groups of customers that a model ought to treat alike: gender, age band, region; read for the measuring only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from lakehouse.settings import Settings
from lakehouse.storage import find_table
from ml.arrays import Texts

COLUMNS = {
    "source": pa.string(),
    "customer_id": pa.string(),
    "gender": pa.string(),
    "birth_year": pa.float64(),
    "is_birth_year_imputed": pa.bool_(),
    "region": pa.string(),
    "city": pa.string(),
}
ATTRIBUTES = ("gender", "age band", "region")
AGE_EDGES = (25, 35, 45, 55)
AGE_BANDS = ("under 25", "25-34", "35-44", "45-54", "55 and over")
UNKNOWN, OTHER = "not known", "all others"
MOST_GROUPS = 12
"""Of an attribute; the customers of smaller ones are put together as `OTHER`."""
OF_A_GROUP = ("gender", "age_years", "birth_year", "birth_on", "region", "city", "country")
"""Columns that tell which group somebody is of, whatever table they are in."""


def read_customers(settings: Settings) -> pd.DataFrame:
    """One row per customer of silver.customers, as in gold.dim_customer of the first source by name that has them.

    Features name nobody's gender or age, and gold.dim_customer is made from predictions, so it is later than they are.
    """
    found = find_table(settings, "silver.customers")
    if found is None:
        return pd.DataFrame({name: pd.Series(dtype=object) for name in COLUMNS}).set_index("customer_id")
    stored = found.to_pyarrow_dataset()
    present = [name for name in COLUMNS if name in stored.schema.names]
    read = stored.to_table(columns=present).to_pandas().reindex(columns=list(COLUMNS))
    known = read.dropna(subset=["customer_id"]).sort_values(["customer_id", "source"], kind="stable")
    return known.drop_duplicates("customer_id").set_index("customer_id")


def groups_of(customer: Texts, customers: pd.DataFrame, as_of: date) -> Mapping[str, Texts]:
    """For each attribute the group of each row; `UNKNOWN` where it was not told.

    An imputed birth year is none: it was made up from customers who are alike. The region is the city's name where a
    source has cities only.

    Args:
        customer: one per row, None where not known.
        customers: as `read_customers` gives them.
        as_of: the day of whose year the age is.
    """
    told = customers.reindex(pd.Index(customer, dtype=object))
    is_guess = told["is_birth_year_imputed"].fillna(False).astype(bool).to_numpy()
    year = pd.to_numeric(told["birth_year"], errors="coerce").to_numpy(dtype=np.float64)
    place = "region" if customers["region"].notna().any() else "city"
    found = {
        "gender": _named(told["gender"]),
        "age band": age_bands(np.where(is_guess, np.nan, as_of.year - year)),
        "region": _named(told[place]),
    }
    return {attribute: _largest(groups) for attribute, groups in found.items()}


def age_bands(years: npt.NDArray[np.float64]) -> Texts:
    """The band of each age in whole years; a person of 25 is in the second."""
    bands = np.array([*AGE_BANDS, UNKNOWN], dtype=object)
    place = np.digitize(np.nan_to_num(years), AGE_EDGES)
    return np.asarray(bands[np.where(np.isnan(years), len(AGE_BANDS), place)])


def place_of(group: str) -> tuple[int, str]:
    """What groups are put in order by: ages as they rise, names by the alphabet, who has none of them last."""
    return ([*AGE_BANDS, "", OTHER, UNKNOWN].index(group if group in (*AGE_BANDS, OTHER, UNKNOWN) else ""), group)


def _named(values: pd.Series) -> Texts:
    return np.asarray(values.astype(object).where(values.notna(), UNKNOWN).to_numpy(dtype=object))


def _largest(groups: Texts) -> Texts:
    names, counts = np.unique(groups[groups != UNKNOWN].astype(str), return_counts=True)
    if len(names) <= MOST_GROUPS:
        return groups
    kept = {UNKNOWN, *names[np.argsort(-counts, kind="stable")][:MOST_GROUPS]}
    return np.array([name if name in kept else OTHER for name in groups], dtype=object)
