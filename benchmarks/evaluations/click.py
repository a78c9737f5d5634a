"""Click probabilities beside scikit-learn on the same rows and words, on generated shops and two real logs.

The words, the strengths of L2 that are tried and the calibration were chosen on the generated sample of seed 7, the
strength and the calibration of each log on its own first 80 %. Judged is its last fifth by time: of shops of other
seeds, one of them four times as large; of four hours of iPinYou (advertiser 2997; the hour from 19:00, 55 clicks); of a
week of the Open Bandit data set (men), which nothing but this evaluation reads. Rows of the same hour or second have no
order in these logs.

What separates a served probability from scikit-learn's default is told step by step: the default (C = 1), the L2 that
the validation chose, clicks that weigh as much as the rest (with the prior put back), the calibration.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from deltalake import write_deltalake
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.metrics import log_loss as their_log_loss
from threadpoolctl import threadpool_limits

from benchmarks.evaluations import DataSet, Row
from benchmarks.generated_shop import AS_OF, shop_with_features
from lakehouse.engine import frames, open_engine
from lakehouse.settings import Settings, load_settings
from ml.calibration import sigmoid
from ml.click.features import read_impressions, span
from ml.click.fits import LocalRows, rows_of
from ml.click.train import Learnt, learn
from ml.frames import speaking_to
from ml.measures import auc, average_precision, expected_calibration_error, log_loss

SHOP_SEEDS = (20260714, 20260715)
CUSTOMERS, DAYS = 2500, 365
LARGER_SEED, LARGER_CUSTOMERS = 20260716, 10_000
CLOSE, MOST_ERROR = 0.001, 0.01
DRAWS, SEED = 1000, 7
IPINYOU = "ipinyou_ctr_train.csv.gz"
OF_IPINYOU = (
    "IP",
    "city",
    "adexchange",
    "domain",
    "slotwidth",
    "slotheight",
    "slotvisibility",
    "slotformat",
    "slotprice",
)
OPEN_BANDIT = ("obd_random_men.csv.gz", "obd_bts_men.csv.gz")


@dataclass(frozen=True)
class Judged:
    """The last fifth of a log, and what each step from scikit-learn's default to what is served says of it.

    Args:
        steps: name to probabilities, the served ones last.
        own: log-odds of the room's fit before calibration, and scikit-learn's with the same weights and L2.
    """

    ids: Sequence[str]
    label: np.ndarray
    base_rate: float
    steps: Mapping[str, np.ndarray]
    own: tuple[np.ndarray, np.ndarray]
    regularisation: float

    @property
    def served(self) -> np.ndarray:
        return list(self.steps.values())[-1]


def shops() -> list[Row]:
    """Shops of the generator as large as the sample."""
    with tempfile.TemporaryDirectory(prefix="click-") as folder:  # one for all: the engine keeps that of the first
        return [row for seed in SHOP_SEEDS for row in of_shop(Path(folder) / str(seed), CUSTOMERS, seed)]


def larger_shop() -> list[Row]:
    """One four times as large, whose later impressions are enough to tell a calibration error of 0.01 from chance."""
    with tempfile.TemporaryDirectory(prefix="click-") as folder:
        return of_shop(Path(folder), LARGER_CUSTOMERS, LARGER_SEED)


def of_shop(folder: Path, customers: int, seed: int) -> list[Row]:
    """The figures of a generated shop; the true probabilities of its model are the ceiling."""
    settings, truth = shop_with_features(folder, customers, DAYS, seed)
    found = judged(settings, AS_OF)
    what = f"click, shop {seed}"
    print(reliability(what, found))
    known = pd.read_parquet(truth / "impressions.parquet").set_index("impression_id")["click_probability"]
    return [*beside(what, found), calibration(what, found, MOST_ERROR, known.loc[found.ids].to_numpy())]


def ipinyou() -> list[Row]:
    """Three hours learnt from, the fourth foretold; nobody's id is known, so there is no history."""
    log = pd.read_csv(load_settings().data_dir / IPINYOU, dtype=str)
    shown = [datetime(2013, 10, 22, int(hour), tzinfo=timezone.utc) for hour in log["hour"]]
    content = {
        "creative_id": log["creative"],
        "slot_id": log["slotid"],
        "region": log["region"],
        "device_type": log["useragent"],
        "shown_at": pa.array(shown, pa.timestamp("us", tz="UTC")),
        "hour_of_day": pa.array([moment.hour for moment in shown], pa.int32()),
        "is_clicked": (log["click"] == "1").tolist(),
    }
    return of_log("click, iPinYou", content, log[list(OF_IPINYOU)])


def open_bandit() -> list[Row]:
    """Fashion items that two policies recommended, one of them at random."""
    data = load_settings().data_dir
    log = pd.concat(
        [pd.read_csv(data / file, dtype=str).assign(policy=file.split("_")[1]) for file in OPEN_BANDIT],
        ignore_index=True,
    )
    shown = pd.to_datetime(log["timestamp"], utc=True)
    of_item = [f"user-item_affinity_{item}" for item in log["item_id"]]
    log["affinity"] = [log.at[row, name] for row, name in enumerate(of_item)]
    content = {
        "creative_id": log["item_id"],
        "slot_id": log["position"],
        "shown_at": pa.Array.from_pandas(shown.dt.as_unit("us")),
        "hour_of_day": pa.array(shown.dt.hour, pa.int32()),
        "day_of_week": pa.array(shown.dt.dayofweek + 1, pa.int32()),
        "is_clicked": (log["click"] == "1").tolist(),
    }
    kept = ["policy", "affinity", *(name for name in log if name.startswith("user_feature_"))]
    return of_log("click, Open Bandit", content, log[kept])


def of_log(what: str, content: Mapping[str, Any], attributes: pd.DataFrame) -> list[Row]:
    """The figures of a log that is written as gold.feat_impressions of a home of its own."""
    names, values = list(attributes), attributes.astype(object).where(attributes.notna(), None).to_numpy()
    table = pa.table(
        {
            "impression_id": [f"{number:06d}" for number in range(len(values))],
            "customer_id": pa.nulls(len(values), pa.string()),
            **{name: column if isinstance(column, pa.Array) else pa.array(column) for name, column in content.items()},
            "attributes": pa.array([list(zip(names, row)) for row in values], pa.map_(pa.string(), pa.string())),
        }
    )
    with tempfile.TemporaryDirectory(prefix="click-") as folder:
        settings = load_settings(home=Path(folder) / "home")
        write_deltalake(settings.table_path("gold", "feat_impressions"), table)
        open_engine(settings)
        found = judged(settings, date(2100, 1, 1))
    print(reliability(what, found))
    return [*beside(what, found), calibration(what, found, None)]


def judged(settings: Settings, as_of: date) -> Judged:
    """The room's own training on a home's impressions, and scikit-learn on the same rows and words."""
    spark = frames(settings)
    with speaking_to(spark), threadpool_limits(1):
        impressions = read_impressions(spark, as_of)
        assert impressions is not None
        edges = span(impressions)
        learnt = learn(impressions, edges)
        told = rows_of(impressions, edges)
        assert isinstance(told, LocalRows)
        in_order = impressions.select("second", "impression_id", "label").toPandas()
    ids = in_order.sort_values(list(in_order), ignore_index=True)["impression_id"]  # as the rows are
    return _steps(told, learnt, ids.to_numpy())


def _steps(told: LocalRows, learnt: Learnt, ids: np.ndarray) -> Judged:
    twin, strength = learnt.twin, learnt.regularisation
    assert twin is not None
    told.leave_out(learnt.left_out)
    past, test = told.period < 2, told.period == 2
    seen, label, later = told.matrix[past], told.label[past], told.matrix[test]
    weight = np.where(label > 0, (label == 0).sum() / label.sum(), 1.0)

    def fitted(weights: np.ndarray, c: float) -> LogisticRegression:
        return LogisticRegression(C=c, tol=1e-6, max_iter=5000).fit(seen, label, sample_weight=weights)

    same = np.ones(len(label))
    default, of_l2 = (fitted(same, c).predict_proba(later)[:, 1] for c in (1.0, 1.0 / (strength * len(label))))
    theirs = fitted(weight, 1.0 / (strength * weight.sum())).decision_function(later) - np.log(weight.max())
    effects = np.array([twin.coefficients[word] for word in told.words])
    ours = later @ effects + twin.intercept
    steps = {
        "default": default,
        f"L2 {strength}": of_l2,
        "weights": sigmoid(ours),
        "calibrated": twin.probability(ours),
    }
    return Judged(ids[test], told.label[test], twin.base_rate, steps, (ours, theirs), strength)


def beside(what: str, found: Judged) -> list[Row]:
    """Log loss, AUC and average precision beside the base rate and scikit-learn."""
    label, served = found.label, found.served
    flat = np.full(len(label), found.base_rate)
    losses = {name: float(their_log_loss(label, told)) for name, told in found.steps.items()}
    default, last = losses["default"], losses["calibrated"]
    own, theirs = (log_loss(sigmoid(odds), label) for odds in found.own)
    of = f"{len(label):,} later impressions, {int(label.sum())} clicks"
    low, high = interval(served, label)
    reference = found.steps["default"]
    return [
        (
            f"{what}: log loss of the fit beside scikit-learn's, same words, rows, weights and L2 ({of})",
            f"{own:.5f}",
            f"{theirs:.5f}, within {CLOSE}",
            bool(abs(own - theirs) <= CLOSE),
        ),
        (
            f"{what}: log loss, step by step from scikit-learn's default to what is served",
            ", ".join(f"{name} {value:.5f}" for name, value in losses.items()),
            f"within {CLOSE} of {default:.5f}, or below",
            last <= default + CLOSE,
        ),
        (
            f"{what}: log loss beside the base rate",
            f"{last:.5f}",
            f"< {log_loss(flat, label):.5f}",
            last < log_loss(flat, label),
        ),
        (
            f"{what}: AUC, 95 % bootstrap interval",
            f"{auc(served, label):.4f} ({low:.3f} to {high:.3f})",
            f"base rate 0.5; scikit-learn's default {roc_auc_score(label, reference):.4f}",
            low > 0.5,
        ),
        (
            f"{what}: average precision",
            f"{average_precision(served, label):.4f}",
            f"base rate {label.mean():.4f}; scikit-learn's default {average_precision_score(label, reference):.4f}",
            bool(average_precision(served, label) > label.mean()),
        ),
    ]


def calibration(what: str, found: Judged, most: float | None, true: np.ndarray | None = None) -> Row:
    """ECE in tenths; where no bound is known, within what chance alone gives probabilities that are right.

    Args:
        true: the probabilities by which the clicks were drawn, where they were.
    """
    rng = np.random.default_rng(SEED)
    by_chance = [
        expected_calibration_error(found.served, (rng.random(len(found.served)) < found.served).astype(np.float64))
        for _ in range(DRAWS)
    ]
    middle, end = np.quantile(by_chance, [0.5, 0.95])
    reached = expected_calibration_error(found.served, found.label)
    theirs = expected_calibration_error(found.steps["default"], found.label)
    bound = end if most is None else most
    of_true = 0.0 if true is None else expected_calibration_error(true, found.label)
    planted = "" if true is None else f"; the probabilities that the clicks were drawn by {of_true:.4f}"
    return (
        f"{what}: expected calibration error, tenths by prediction",
        f"{reached:.4f}",
        f"<= {bound:.4f}; if they were right {middle:.4f} by chance, 95 % of draws below {end:.4f}; scikit-learn's "
        f"default {theirs:.4f}{planted}",
        bool(reached <= bound),
    )


def interval(score: np.ndarray, label: np.ndarray) -> tuple[float, float]:
    """95 % of the AUC over draws of the impressions with replacement."""
    rng, n = np.random.default_rng(SEED), len(label)
    drawn: Sequence[np.ndarray] = [rng.integers(0, n, n) for _ in range(DRAWS // 2)]
    low, high = np.quantile([auc(score[some], label[some]) for some in drawn], [0.025, 0.975])
    return float(low), float(high)


def reliability(what: str, found: Judged) -> str:
    """Tenths of the later impressions by prediction: what was predicted, and what happened."""
    order = np.argsort(found.served, kind="stable")
    lines = [f"{what}: reliability", f"{'predicted':>10}{'clicked':>10}{'impressions':>13}{'clicks':>8}"]
    for part in np.array_split(order, 10):
        told, label = found.served[part].mean(), found.label[part]
        lines.append(f"{told:10.4f}{label.mean():10.4f}{len(part):13,}{int(label.sum()):8}")
    return "\n".join(lines)


ON = {
    "sample": DataSet(shops),
    "larger-sample": DataSet(larger_shop),
    "ipinyou": DataSet(ipinyou, (IPINYOU,)),
    "open-bandit": DataSet(open_bandit, OPEN_BANDIT),
}
