"""Learn both traits, measure them on people and days not learnt from, register them as one model."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from lakehouse.settings import Settings
from ml import registry, tables
from ml.held_out import HeldOut
from ml.traits.compare import learnt_without
from ml.traits.evaluate import (
    gender_curves,
    gender_metrics,
    halves,
    judged_spending,
    reliability,
    spending_metrics,
)
from ml.traits.features import READS, SALES, read_both
from ml.traits.fits import STRENGTH_OF_HABITS, STRENGTH_OF_SPENDING
from ml.traits.gender import BEHAVIOUR
from ml.traits.held_out import gender_held_out, spending_held_out
from ml.traits.learn import RIGHT, learn_gender, learn_spending
from ml.traits.model import TraitsModel

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def train(spark: SparkSession, settings: Settings, as_of: date, seed: int) -> registry.Summary:
    """Register a model of `traits`; nothing where neither trait can be learned."""
    seen, people, days = read_both(settings, as_of)
    gender = learn_gender(seen, people, as_of.toordinal(), settings.gender_from_names)
    spending = None if days is None else learn_spending(seen, days)
    if gender is None and spending is None:
        return registry.nothing_to_learn("traits")
    metrics: list[registry.Metric] = []
    curves: dict[str, dict[str, list[list[float]]]] = {}
    parameters: dict[str, object] = {"seed": seed, "as_of": as_of, "right_share": RIGHT}
    kept: list[HeldOut] = []
    if gender is not None:
        both = halves(*gender)
        kept += gender_held_out(both)
        metrics += gender_metrics(gender[0], both)
        curves["gender"] = gender_curves(both)
        parameters |= {
            "gender_strength": STRENGTH_OF_HABITS,
            "gender_tokens": len(gender[0].tokens),
            "gender_name_tokens": len(gender[0].names.ratios),
            "gender_from_names": settings.gender_from_names,
        }
    if spending is not None:
        model, later = spending
        kept.append(spending_held_out(model, later))
        metrics += spending_metrics(model, later)
        curves["spending_power"] = {BEHAVIOUR: reliability(judged_spending(model, later)[0])}
        parameters |= {
            "spending_strength": STRENGTH_OF_SPENDING,
            "spending_horizon_days": model.horizon,
            "spending_lookback_days": model.lookback,
            "spending_medium_from": later.edges[0],
            "spending_high_from": later.edges[1],
        }
    both_models = TraitsModel(gender and gender[0], spending and spending[0], curves)
    version = registry.register(
        settings,
        registry.Training(
            task="traits",
            loader="ml.traits.model",
            save=both_models.save,
            inputs={"given_name": "string", **dict.fromkeys([*SALES, *both_models.tokens], "double")},
            parameters=parameters,
            data_versions=tables.gold_versions(settings, READS),
            metrics=metrics,
            columns=tables.gold_columns(settings, READS),
            twin=registry.Twin(learnt_without(seen, people, days, settings.gender_from_names).save),
            held_out=kept,
        ),
    )
    return registry.Summary("traits", version, metrics)
