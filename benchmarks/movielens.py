"""MovieLens as the recommenders' evaluation reads it: ratings, the published splits, and histories of either part.

100k comes in the wheel of recbole on PyPI, which is downloaded into a cache and opened as an archive, not installed.
The small one of 2016 is among the shared data sets.
"""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from lakehouse.settings import load_settings
from ml.recommend.features import HALF_LIFE_DAYS, NEVER, Interactions

WHEEL = "recbole-1.2.1-py3-none-any.whl"
WHEEL_SHA256 = "9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407"
INSIDE = "recbole/dataset_example/ml-100k/ml-100k.inter"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "lakehouse-evaluations"
PATIENCE = 120
DAY = 86_400
COLUMNS = ["user", "item", "rating", "second"]


class NotThere(Exception):
    """The ratings cannot be had; says why."""


def hundred_thousand() -> pd.DataFrame:
    """The 100,000 ratings of 943 users and 1,682 films, in the order of GroupLens' u.data.

    Raises:
        NotThere: the wheel cannot be downloaded, or is another.
    """
    with zipfile.ZipFile(_wheel()) as archive:
        return pd.read_csv(io.BytesIO(archive.read(INSIDE)), sep="\t", names=COLUMNS, header=0)


def latest_small() -> pd.DataFrame:
    """The 100,004 ratings of 671 users and 9,066 films.

    Raises:
        NotThere: the file is not among the shared data sets.
    """
    path = load_settings().data_dir / "movielens_latest_small.csv.gz"
    if not path.exists():
        raise NotThere(f"no {path.name} in {path.parent}: set LAKEHOUSE_DATA_DIR")
    table = pd.read_csv(path, usecols=["userId", "movieId", "rating", "timestamp"])
    return table[["userId", "movieId", "rating", "timestamp"]].set_axis(COLUMNS, axis=1)


def stratified(ratings: pd.DataFrame, by: str, seed: int, ratio: float = 0.75) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`python_stratified_split` of Microsoft's recommenders: of each user (or item), a random share of the ratings.

    Args:
        by: `user` or `item`.
    """
    drawn = ratings.assign(drawn=np.random.RandomState(seed).rand(len(ratings))).sort_values([by, "drawn"])
    groups = drawn.groupby(by)
    rank = (groups.cumcount() + 1) / groups[by].transform("count")
    return drawn[rank <= ratio].drop(columns="drawn"), drawn[rank > ratio].drop(columns="drawn")


def at_random(ratings: pd.DataFrame, seed: int, ratio: float = 0.75) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The split of the reference in the shared data's README: each rating by itself."""
    drawn = np.random.RandomState(seed).rand(len(ratings)) < ratio
    return ratings[drawn], ratings[~drawn]


def history(ratings: pd.DataFrame, users: npt.NDArray[np.int64], items: npt.NDArray[np.int64]) -> Interactions:
    """Ratings as interactions of these (sorted) users and items; the rating is also the weight, as SAR takes it."""
    told = ratings.sort_values(["user", "item"])
    rating = told["rating"].to_numpy(dtype=np.float64)
    age_days = (told["second"].max() - told["second"].to_numpy(dtype=np.float64)) / DAY
    nothing = np.zeros(len(told))
    return Interactions(
        customers=users.astype(object),
        products=items.astype(object),
        user=np.searchsorted(users, told["user"]),
        item=np.searchsorted(items, told["item"]),
        weight=np.log1p(rating),
        view_count=nothing,
        cart_count=nothing,
        purchase_count=nothing,
        bought_days=nothing,
        last_bought_day=np.full(len(told), float(NEVER)),
        is_rated=np.ones(len(told), dtype=np.bool_),
        rating=rating,
        recent_weight=rating * 0.5 ** (age_days / HALF_LIFE_DAYS),
    )


def _wheel() -> Path:
    path = CACHE / WHEEL
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        name, version = WHEEL.split("-")[:2]
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", f"--dest={CACHE}", f"{name}=={version}"]
        try:
            subprocess.run(pip, check=True, capture_output=True, timeout=PATIENCE)
        except (subprocess.SubprocessError, OSError) as error:
            raise NotThere(f"{WHEEL} cannot be downloaded from the package index: {error}") from None
    if hashlib.sha256(path.read_bytes()).hexdigest() != WHEEL_SHA256:
        raise NotThere(f"{path} is not the wheel that the figures are of")
    return path
