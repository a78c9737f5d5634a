"""What can be trained, judged and scored: `TASKS["segment"].train(spark, settings, as_of, seed)`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from lakehouse.builds import files_digest
from lakehouse.privacy.standing import restricted
from lakehouse.settings import Settings
from lakehouse.storage import find_table
from ml import champions, comparisons, registry, tables
from ml.asked_first import ASKED_FIRST
from ml.budget import features as budget
from ml.budget.score import score as score_budget
from ml.budget.train import train as train_budget
from ml.churn import features as churn
from ml.churn.compare import JUDGE as JUDGE_CHURN
from ml.churn.score import score as score_churn
from ml.churn.train import train as train_churn
from ml.click import features as click
from ml.click.compare import JUDGE as JUDGE_CLICK
from ml.click.score import score as score_click
from ml.click.train import train as train_click
from ml.frames import speaking_to
from ml.promotion import Direction, Verdict
from ml.purchase import features as purchase
from ml.purchase.compare import JUDGE as JUDGE_PURCHASE
from ml.purchase.score import score as score_purchase
from ml.purchase.train import train as train_purchase
from ml.recommend import features as recommend
from ml.recommend.compare import JUDGE as JUDGE_RECOMMEND
from ml.recommend.score import score as score_recommend
from ml.recommend.train import train as train_recommend
from ml.registry import Summary
from ml.segment import features as segment
from ml.segment.compare import JUDGE as JUDGE_SEGMENT
from ml.segment.score import score as score_segment
from ml.segment.train import train as train_segment
from ml.tables import withholding
from ml.text import features as text
from ml.text.compare import JUDGE as JUDGE_TEXT
from ml.text.score import score as score_text
from ml.text.train import train as train_text
from ml.traits import features as traits
from ml.traits.compare import JUDGE as JUDGE_TRAITS
from ml.traits.score import score as score_traits
from ml.traits.train import train as train_traits
from ml.value import features as value
from ml.value.compare import JUDGE as JUDGE_VALUE
from ml.value.score import score as score_value
from ml.value.train import train as train_value

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ROOM = Path(__file__).parent
MOST_GROWTH = 0.1
"""Of the rows of its features, how many may come or go before a model is trained anew."""
REFRESH = f"after refresh_days of data, {MOST_GROWTH:.0%} more or fewer rows of features, or other code or seed"

Door = Callable[["SparkSession", Settings, date, int], Summary]


@dataclass(frozen=True)
class Task:
    """A model's life: learn and register, then predict with the champion.

    Both take one BLAS thread: how many there are decides the last bit of a product of matrices.

    Args:
        reads: the gold features that it learns from.
        writes: the `ml` tables that `score` (and, for what is told of a training, `train`) replaces.
        heeds: the settings that its results depend on, besides seed and `refresh_days`.
        leans_on: other tasks whose code it calls.
        judge: how a challenger is compared with the champion; without it each new model is the champion at once.
        metric, direction: the one that a person asks for first, and whether more of it or less is better.
        baseline: what a person would do without the model.
        refresh: when it is trained anew.
    """

    name: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    fit: Door
    predict: Door
    heeds: tuple[str, ...] = ()
    leans_on: tuple[str, ...] = ()
    judge: comparisons.Judge | None = None
    metric: str = ""
    direction: Direction = "higher"
    baseline: str = ""
    refresh: str = REFRESH

    def train(self, spark: SparkSession, settings: Settings, as_of: date, seed: int) -> Summary:
        """Register a challenger; make it the champion where it is the first or beats the champion there is.

        Written down: the comparison in `ml.model_comparisons`, a new champion's measures in `ml.model_metrics`. What
        the training leaves is complete once the model version is marked: one that was killed before is done again,
        with the same champion to beat.
        """
        champions.settle(settings, self.name)
        before = champions.throne(settings, self.name).champion
        with threadpool_limits(1, user_api="blas"), speaking_to(spark), withholding(restricted(settings)):
            summary = self.fit(spark, settings, as_of, seed)
            if summary.model_version == registry.NO_MODEL:
                comparisons.record(spark, settings, [])
                comparisons.record_metrics(spark, settings, self.name, registry.NO_MODEL, summary.metrics)
                return summary
            rivals = comparisons.Rivals(spark, settings, as_of, seed, self.name, summary.model_version)
            verdict = self._judged(rivals, before)
        champion = None if before is None else before.version
        comparisons.record(
            spark, settings, [comparisons.row(self.name, as_of, summary.model_version, champion, verdict)]
        )
        champions.mark_trained(settings, self.name, summary.model_version, self._now(settings, as_of, seed), verdict)
        champions.discard_outdated(settings, self.name)
        if verdict.is_promoted:
            told = registry.evidence(settings, self.name, summary.model_version).metrics  # with their intervals
            comparisons.record_metrics(spark, settings, self.name, summary.model_version, told)
        return replace(summary, why=verdict.why, is_challenger=not verdict.is_promoted)

    def _judged(self, rivals: comparisons.Rivals, before: champions.Standing | None) -> Verdict:
        if before is None or before.trained is None:
            return Verdict(True, "the first model of the task")
        if before.is_outdated:
            return Verdict(True, "the champion was trained on what has been erased since, or is past its retention")
        if self.judge is None:
            return Verdict(True, "the newest model serves: the task compares none")
        return comparisons.judged(rivals, before.version, self.judge)

    def refresh_reason(self, settings: Settings, as_of: date, seed: int) -> str:
        """Why a new model is wanted; empty while the newest will do, whether it serves or lost.

        It will do for `refresh_days` of data, unless the rows of its features have changed in number by more than
        `MOST_GROWTH`, its code or the seed are others, or somebody it was trained on has been erased.
        """
        champions.settle(settings, self.name)
        old, now = champions.trained(settings, self.name), self._now(settings, as_of, seed)
        if old is None:
            return "no model yet"
        if champions.is_outdated(settings, self.name):
            return "somebody it was trained on has been erased"
        if (old.code, old.seed) != (now.code, now.seed):
            return "other code or seed"
        age = (now.as_of - old.as_of).days
        if not 0 <= age < settings.refresh_days:
            return f"the model is {age} days old"
        if abs(now.rows - old.rows) > MOST_GROWTH * old.rows:
            return f"{now.rows:,} rows of features, {old.rows:,} when it was trained"
        return ""

    def has_left_tables(self, settings: Settings) -> bool:
        """Whether a training left its tables in this storage; its row of `ml.model_comparisons` is the last thing."""
        told = tables.read(settings, "model_comparisons").column("task").to_pylist()
        return self.name in told

    def _now(self, settings: Settings, as_of: date, seed: int) -> champions.Trained:
        found = (find_table(settings, f"gold.{table}") for table in self.reads)
        rows = sum(delta.count() for delta in found if delta is not None)
        rooms = [path for name in (self.name, *self.leans_on) for path in (ROOM / name).rglob("*.py")]
        return champions.Trained(as_of, rows, files_digest([*ROOM.glob("*.py"), *rooms], ROOM), seed)

    def score(self, spark: SparkSession, settings: Settings, as_of: date, seed: int) -> Summary:
        """Predict with the champion into the task's tables, from what a session of either engine reads.

        `ml.model_metrics` then tells the measures of the model that scored.

        Raises:
            LakehouseError: there is data to score and no champion.
        """
        champions.settle(settings, self.name)
        with threadpool_limits(1, user_api="blas"), speaking_to(spark), withholding(restricted(settings)):
            scored = self.predict(spark, settings, as_of, seed)
            comparisons.tell_of(spark, settings, self.name, scored.model_version)
        return scored

    def run(self, spark: SparkSession, settings: Settings, as_of: date, seed: int) -> Summary:
        """Train, then score; the summary holds the measures and the number of predictions."""
        trained = self.train(spark, settings, as_of, seed)
        scored = self.score(spark, settings, as_of, seed)
        return replace(trained, rows=scored.rows)


TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task(
            "segment",
            segment.READS,
            ("customer_segments", "segment_profiles", "segment_elbow", "segment_tests"),
            train_segment,
            score_segment,
            heeds=("language",),
            leans_on=("value",),
            judge=JUDGE_SEGMENT,
            metric=ASKED_FIRST["segment"],
            direction="higher",
            baseline="one group",
        ),
        Task(
            "recommend",
            recommend.READS,
            ("recommendations", "item_similarity"),
            train_recommend,
            score_recommend,
            judge=JUDGE_RECOMMEND,
            metric=ASKED_FIRST["recommend"],
            direction="higher",
            baseline="popularity",
        ),
        Task(
            "click",
            click.READS,
            ("click_predictions", "click_coefficients", "click_curves"),
            train_click,
            score_click,
            judge=JUDGE_CLICK,
            metric=ASKED_FIRST["click"],
            direction="lower",
            baseline="base_rate",
        ),
        Task(
            "value",
            value.READS,
            ("customer_value",),
            train_value,
            score_value,
            judge=JUDGE_VALUE,
            metric=ASKED_FIRST["value"],
            direction="lower",
            baseline="same rate as so far",
        ),
        Task(
            "budget",
            budget.READS,
            ("budget_allocation",),
            train_budget,
            score_budget,
            heeds=("budget_amount", "budget_minimum_share", "budget_maximum_share", "language"),
            metric=ASKED_FIRST["budget"],
            direction="higher",
            baseline="last month's mix",
        ),
        Task(
            "purchase",
            purchase.READS,
            ("purchase_predictions", "purchase_importances"),
            train_purchase,
            score_purchase,
            judge=JUDGE_PURCHASE,
            metric=ASKED_FIRST["purchase"],
            direction="higher",
            baseline="recency alone",
        ),
        Task(
            "churn",
            churn.READS,
            ("churn_predictions", "churn_curves"),
            train_churn,
            score_churn,
            judge=JUDGE_CHURN,
            metric=ASKED_FIRST["churn"],
            direction="lower",
            baseline="kaplan_meier",
        ),
        Task(
            "text",
            text.READS,
            ("ticket_texts",),
            train_text,
            score_text,
            judge=JUDGE_TEXT,
            metric=ASKED_FIRST["text"],
            direction="higher",
            baseline="chance",
        ),
        Task(
            "traits",
            traits.READS,
            ("customer_traits", "trait_reliability"),
            train_traits,
            score_traits,
            heeds=("gender_from_names", "language"),
            judge=JUDGE_TRAITS,
            metric=ASKED_FIRST["traits"],
            direction="lower",
            baseline="base_rate",
        ),
    )
}
"""In the order in which a run takes them: recommendations for new customers need their segments."""
