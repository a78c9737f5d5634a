"""Exact top ten for every customer: CPU s per 1e9 scores and peak memory, by method, in this process and in Spark.

PYTHONPATH=. python benchmarks/top_k_at_scale.py [--customers N] [--products N] [--only METHOD ...] [--here]

Histories are drawn (24 products a customer, the popular more often), models fitted on the first 5,000 customers; ALS is
random factors of rank 32, since it is their number that counts. Measured in a process of its own each time, as what a
run costs more than the same run that serves only the first `FEW` customers: starting, drawing and fitting are in both.
`scores` is the ten of each without what is withheld; `with reasons` is what `lakehouse score recommend` does: the own
product that speaks most for each of the ten, too. A customer's factors are solved in either (`als`). Beside it MLlib's
`recommendForAllUsers` on the same factors, implicit's `topk` and NumPy by brute force.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import numpy as np
import scipy.linalg.blas  # noqa: F401  limits on threads do not hold for a BLAS that is loaded after them
from threadpoolctl import threadpool_limits

from benchmarks.measured import Cost, measured

PER_CUSTOMER, RANK, TODAY, SEED = 24, 32, 1_020, 7
FITTED_ON, FEW = 5_000, 2_000
METHODS = ("als", "item_to_item", "sar", "ease", "bpr")
PLACES = ("here", "spark")


def main() -> None:
    if len(sys.argv) > 1 and sys.argv[1] == "work":
        way, method, *numbers, folder = sys.argv[2:]
        with threadpool_limits(1, user_api="blas"):  # as in ml/tasks.py
            WAYS[way](method, *(int(number) for number in numbers), Path(folder))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--products", type=int, default=3_000)
    parser.add_argument("--only", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--here", action="store_true", help="without Spark")
    given = parser.parse_args()
    scores = (given.customers - FEW) * given.products
    print(f"{given.customers:,} customers x {given.products:,} products, {scores / 1e9:.2f}e9 scores counted")
    print(f"{'method':<14}{'':<16}{'where':<10}{'CPU s per 1e9':>14}{'us per customer':>17}{'peak MiB':>10}")
    with tempfile.TemporaryDirectory() as scratch:
        plan = [
            ("factors", "als", place) for place in ("topk", "numpy", "product", *(() if given.here else ("mllib",)))
        ]
        for method in given.only:
            plan += [
                (kind, method, place) for place in PLACES[: 1 if given.here else 2] for kind in ("scores", "reasons")
            ]
        for kind, method, place in plan:
            way = place if kind == "factors" else f"{kind}_{place}"
            found = price(way, method, given.customers, given.products, Path(scratch))
            told = {"factors": "factors alone", "scores": "scores", "reasons": "with reasons"}[kind]
            each = found.cpu_s * given.products / 1e3
            print(
                f"{method:<14}{told:<16}{place:<10}{found.cpu_s:>14.2f}{each:>17.1f}{found.peak_mib:>10.0f}",
                flush=True,
            )


@dataclass(frozen=True)
class Price:
    """CPU seconds per 1e9 scores, the peak memory of the run that serves everybody, and how far above the other's."""

    cpu_s: float
    peak_mib: float
    added_mib: float


def price(way: str, method: str, customers: int, products: int, folder: Path) -> Price:
    """What serving everybody costs more than serving the first `FEW`, a process each."""
    few, many = (
        _cost([way, method, str(customers), str(products), str(served)], folder) for served in (FEW, customers)
    )
    spent = (many.cpu_s - few.cpu_s) / ((customers - FEW) * products) * 1e9
    return Price(spent, many.peak_mib, many.peak_mib - few.peak_mib)


def _cost(given: list[str], folder: Path) -> Cost:
    command = [sys.executable, __file__, "work", *given, str(folder)]
    return measured(command, folder, {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])})


def histories(customers: int, products: int):  # type: ignore[no-untyped-def]
    """Interactions of so many customers; those of fewer are the first of these."""
    from ml.recommend.features import NEVER, Interactions

    rng = np.random.default_rng(SEED)
    share = 1 / np.arange(1, products + 1) ** 0.7
    drawn = np.searchsorted(np.cumsum(share / share.sum()), rng.random(customers * PER_CUSTOMER))
    pairs = np.unique(np.repeat(np.arange(customers), PER_CUSTOMER) * products + np.minimum(drawn, products - 1))
    user, item = pairs // products, pairs % products
    weight = 1.0 + pairs % 7
    is_bought, nothing = pairs % 5 == 0, np.zeros(len(user))
    return Interactions(
        customers=np.array([f"c{n:09d}" for n in range(customers)], dtype=object),
        products=np.array([f"p{n:06d}" for n in range(products)], dtype=object),
        user=user,
        item=item,
        weight=np.log1p(weight),
        view_count=nothing + 1,
        cart_count=nothing,
        purchase_count=is_bought.astype(np.float64),
        bought_days=is_bought.astype(np.float64),
        last_bought_day=np.where(is_bought, TODAY - 20.0, NEVER),
        is_rated=nothing > 0,
        rating=nothing * np.nan,
        recent_weight=weight,
    )


def _model(method: str, products: int):  # type: ignore[no-untyped-def]
    from ml.recommend.choice import methods
    from ml.recommend.factors import FactorModel, Settled

    seen = histories(FITTED_ON, products)
    if method == "als":
        factors = np.random.default_rng(SEED).normal(size=(products, RANK))
        return FactorModel(seen.products, factors, Settled(RANK, 1, 1.0, 0.5))
    return next(one for one in methods(lambda rows, seed: None) if one.name == method).fit(seen, SEED)  # type: ignore[arg-type,return-value]


def _blocks(method: str, customers: int, products: int, served: int):  # type: ignore[no-untyped-def]
    from scipy import sparse

    from ml.recommend.blocks import blocks
    from ml.recommend.lists import Listing

    seen = histories(customers, products)
    listing = Listing.of(_model(method, products), seen, sparse.csr_matrix((products, 0)))
    serving, parts = blocks(listing, seen, np.full(customers, -1), TODAY)
    return serving, takewhile(lambda block: block.customers[0] < served, parts)


def _session(folder: Path):  # type: ignore[no-untyped-def]
    from lakehouse.session import open_session
    from lakehouse.settings import load_settings

    return open_session(load_settings(home=folder / "home", engine="spark", spark_master="local[2]"))


def scores_here(method: str, customers: int, products: int, served: int, folder: Path) -> None:
    from ml.recommend.blocks import ranked, scratch

    serving, parts = _blocks(method, customers, products, served)
    out = None
    for block in parts:
        out = scratch(serving, len(block)) if out is None else out
        ranked(serving, block, out)


def reasons_here(method: str, customers: int, products: int, served: int, folder: Path) -> None:
    from ml.recommend.score import here

    here(*_blocks(method, customers, products, served))


def scores_spark(method: str, customers: int, products: int, served: int, folder: Path) -> None:
    from ml.recommend import executors
    from ml.recommend.blocks import without_reasons

    executors.in_executors(_session(folder), *_blocks(method, customers, products, served), without_reasons)


def reasons_spark(method: str, customers: int, products: int, served: int, folder: Path) -> None:
    from ml.recommend.executors import in_executors

    in_executors(_session(folder), *_blocks(method, customers, products, served))


def drawn_factors(customers: int, products: int) -> tuple[np.ndarray, np.ndarray]:
    """Of customers and of products, rows x `RANK`; those of fewer customers are the first of these."""
    rng = np.random.default_rng(SEED)
    items, people = (rng.normal(size=(rows, RANK)).astype(np.float32) for rows in (products, customers))
    return people, items


def _factors(customers: int, products: int, served: int) -> tuple[np.ndarray, np.ndarray]:
    people, items = drawn_factors(customers, products)
    return people[:served], items


def by_topk(method: str, customers: int, products: int, served: int, folder: Path) -> None:
    from implicit.cpu.topk import topk

    people, items = _factors(customers, products, served)
    topk(items, people, 10, num_threads=1)


def by_numpy(method: str, customers: int, products: int, served: int, folder: Path) -> None:
    people, items = _factors(customers, products, served)
    for start in range(0, served, 256):
        scores = people[start : start + 256] @ items.T
        best = np.argpartition(-scores, 10, axis=1)[:, :10]
        np.take_along_axis(best, np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1), axis=1)


def by_product(method: str, customers: int, products: int, served: int, folder: Path) -> None:
    from ml.recommend.ranking import top_k_of_factors

    top_k_of_factors(*_factors(customers, products, served), 10)


def by_mllib(method: str, customers: int, products: int, served: int, folder: Path) -> None:
    """`recommendForAllUsers` of a model that is loaded with these factors."""
    session = _session(folder)
    told = _mllib_model(session, folder / f"als-{served}", *_factors(customers, products, served))
    told.recommendForAllUsers(10).write.format("noop").mode("overwrite").save()


def recommended_by_mllib(session, folder: Path, people: np.ndarray, items: np.ndarray, k: int) -> np.ndarray:  # type: ignore[no-untyped-def]
    """Products of each customer by `recommendForAllUsers`, customers x k, best first."""
    told = _mllib_model(session, folder / "als", people, items).recommendForAllUsers(k).toPandas()
    return np.array([[one["item"] for one in ten] for ten in told.sort_values("user")["recommendations"]])


def _mllib_model(session, place: Path, people: np.ndarray, items: np.ndarray):  # type: ignore[no-untyped-def]
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyspark.ml.recommendation import ALS, ALSModel

    fitted = ALS(rank=RANK, maxIter=1, numUserBlocks=1, numItemBlocks=1).fit(
        session.createDataFrame([(0, 0, 1.0)], "user int, item int, rating float").coalesce(1)
    )
    fitted.write().overwrite().save(str(place))
    for name, rows in (("userFactors", people), ("itemFactors", items)):
        for file in (place / name).iterdir():
            file.unlink()
        ids, floats = pa.array(np.arange(len(rows), dtype=np.int32)), pa.array(rows.ravel())
        lists = pa.ListArray.from_arrays(np.arange(0, rows.size + 1, RANK, dtype=np.int32), floats)
        pq.write_table(pa.table({"id": ids, "features": lists}), place / name / "part-0.parquet")
    return ALSModel.load(str(place))


WAYS: dict[str, Callable[[str, int, int, int, Path], None]] = {
    "scores_here": scores_here,
    "reasons_here": reasons_here,
    "scores_spark": scores_spark,
    "reasons_spark": reasons_spark,
    "topk": by_topk,
    "numpy": by_numpy,
    "product": by_product,
    "mllib": by_mllib,
}

if __name__ == "__main__":
    main()
