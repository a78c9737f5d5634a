"""What can be trained and scored: `TASKS["segment"].train(spark, settings, as_of, seed)`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from deltalake import DeltaTable
from threadpoolctl import threadpool_limits

from lakehouse.builds import files_digest
from lakehouse.settings import Settings
from ml import registry, tables
from ml.budget import features as budget
from ml.budget.score import score as score_budget
from ml.budget.train import train as train_budget
from ml.churn import features as churn
from ml.churn.score import score as score_churn
from ml.churn.train import train as train_churn
from ml.click import features as click
from ml.click.score import score as score_click
from ml.click.train import train as train_click
from ml.frames import speaking_to
from ml.purchase import features as purchase
from ml.purchase.score import score as score_purchase
from ml.purchase.train import train as train_purchase
from ml.recommend import features as recommend
from ml.recommend.score import score as score_recommend
from ml.recommend.train import train as train_recommend
from ml.registry import Summary
from ml.segment import features as segment
from ml.segment.score import score as score_segment
from ml.segment.train import train as train_segment
from ml.text import features as text
from ml.text.score import score as score_text
from ml.text.train import train as train_text
from ml.value import features as value
from ml.value.score import score as score_value
from ml.value.train import train as train_value

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ROOM = Path(__file__).parent
MOST_GROWTH = 0.1
"""Of the rows of its features, how many may come or go before a model is trained anew."""

Door = Callable[["SparkSession", Settings, date, int], Summary]


@dataclass(frozen=True)
class Task:
    """A model's life: learn and register, then predict with the champion.

    Both take one BLAS thread: how many there are decides the last bit of a product of matrices.

    Args:
        reads: the gold features that it learns from.
        writes: the `ml` tables that `score` (and, for curves and coefficients, `train`) replaces.
        heeds: the settings that its results depend on, besides seed and `refresh_days`.
    """

    name: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    fit: Door
    predict: Door
    heeds: tuple[str, ...] = ()

    def train(self, spark: SparkSession, settings: Settings, as_of: date, seed: int) -> Summary:
        """Register a new champion and write its measures to `ml.model_metrics`, replacing the task's earlier ones."""
        with threadpool_limits(1, user_api="blas"), speaking_to(spark):
            summary = self.fit(spark, settings, as_of, seed)
        record(spark, settings, summary)
        if summary.model_version != registry.NO_MODEL:
            registry.mark_trained(settings, self.name, summary.model_version, self._now(settings, as_of, seed))
        return summary

    def refresh_reason(self, settings: Settings, as_of: date, seed: int) -> str:
        """Why a new model is wanted; empty while the champion will do.

        It will do for `refresh_days` of data, unless the rows of its features have changed in number by more than
        `MOST_GROWTH`, or its code or the seed are others.
        """
        old, now = registry.trained(settings, self.name), self._now(settings, as_of, seed)
        if old is None:
            return "no model yet"
        if (old.code, old.seed) != (now.code, now.seed):
            return "other code or seed"
        age = (now.as_of - old.as_of).days
        if not 0 <= age < settings.refresh_days:
            return f"the model is {age} days old"
        if abs(now.rows - old.rows) > MOST_GROWTH * old.rows:
            return f"{now.rows:,} rows of features, {old.rows:,} when it was trained"
        return ""

    def _now(self, settings: Settings, as_of: date, seed: int) -> registry.Trained:
        rows = sum(
            DeltaTable(path).count()
            for path in (settings.table_path("gold", table) for table in self.reads)
            if (path / "_delta_log").exists()
        )
        return registry.Trained(
            as_of, rows, files_digest([*ROOM.glob("*.py"), *(ROOM / self.name).rglob("*.py")], ROOM), seed
        )

    def score(self, spark: SparkSession, settings: Settings, as_of: date, seed: int) -> Summary:
        """Predict with the champion into the task's tables, from what a session of either engine reads.

        Raises:
            LakehouseError: there is data to score and no champion.
        """
        with threadpool_limits(1, user_api="blas"), speaking_to(spark):
            return self.predict(spark, settings, as_of, seed)

    def run(self, spark: SparkSession, settings: Settings, as_of: date, seed: int) -> Summary:
        """Train, then score; the summary holds the measures and the number of predictions."""
        trained = self.train(spark, settings, as_of, seed)
        scored = self.score(spark, settings, as_of, seed)
        return Summary(self.name, trained.model_version, trained.metrics, scored.rows)


TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task(
            "segment",
            segment.READS,
            ("customer_segments", "segment_profiles", "segment_elbow"),
            train_segment,
            score_segment,
        ),
        Task("recommend", recommend.READS, ("recommendations", "item_similarity"), train_recommend, score_recommend),
        Task("click", click.READS, ("click_predictions", "click_coefficients"), train_click, score_click),
        Task("value", value.READS, ("customer_value",), train_value, score_value),
        Task(
            "budget",
            budget.READS,
            ("budget_allocation",),
            train_budget,
            score_budget,
            heeds=("budget_amount", "budget_minimum_share", "budget_maximum_share"),
        ),
        Task(
            "purchase",
            purchase.READS,
            ("purchase_predictions", "purchase_importances"),
            train_purchase,
            score_purchase,
        ),
        Task("churn", churn.READS, ("churn_predictions", "churn_curves"), train_churn, score_churn),
        Task("text", text.READS, ("ticket_texts",), train_text, score_text),
    )
}
"""In the order in which a run takes them: recommendations for new customers need their segments."""


def record(spark: SparkSession, settings: Settings, summary: Summary) -> None:
    """Put a training's measures into `ml.model_metrics`; other tasks' rows stay."""
    kept = [row for row in tables.read(settings, "model_metrics").to_pylist() if row["task"] != summary.task]
    new = [
        {
            "task": summary.task,
            "model_version": summary.model_version,
            "metric": metric.name,
            "value": metric.value,
            "baseline": metric.baseline,
            "baseline_value": metric.baseline_value,
            "split": metric.split,
        }
        for metric in summary.metrics
    ]
    rows = sorted(kept + new, key=lambda row: (str(row["task"]), str(row["metric"])))
    schema = tables.ML_SCHEMAS["model_metrics"]
    tables.write_table(spark, settings, "model_metrics", pa.Table.from_pylist(rows, schema))
