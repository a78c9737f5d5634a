"""CDNOW, the data that the papers fit: 2,357 customers of a music shop who first bought early in 1997."""

from __future__ import annotations

import pandas as pd
import pytest

from lakehouse.settings import load_settings


def read(name: str) -> pd.DataFrame:
    """A file of the shared data; the test skips where it is absent."""
    path = load_settings().data_dir / f"{name}.csv.gz"
    if not path.exists():
        pytest.skip(f"no {path.name} in {path.parent}: set LAKEHOUSE_DATA_DIR")
    return pd.read_csv(path, dtype={"sample_id": str, "date": str})
