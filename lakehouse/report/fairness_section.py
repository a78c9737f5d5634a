"""What the report shows of fairness: how far predictions are off for each group, and the largest gaps."""

from __future__ import annotations

from lakehouse.report.charts import intervals
from lakehouse.report.exhibits import Exhibit, Section

OFF = "calibration gap"
CHANCES = "('click', 'purchase', 'churn')"
"""Tasks that foretell a chance, so that their gaps are of one unit."""


def _by(attribute: str, title: str, about: str) -> Exhibit:
    return Exhibit(
        title,
        about,
        ("ml.model_fairness",),
        "select concat(task, ': ', group_name) as task_and_group, customer_count, row_count, value as mean_error, "
        f"interval_low, interval_high from ml.model_fairness where measure = '{OFF}' and attribute = '{attribute}' "
        f"and task in {CHANCES} and value is not null order by task, group_name",
        intervals("task_and_group", "mean_error", "interval_low", "interval_high", "mean prediction less what came"),
    )


FAIRNESS = Section(
    "Fairness",
    (
        _by(
            "gender",
            "By gender",
            "By how much chances are foretold too high (right) or too low (left), with 95 % intervals. All groups of a "
            "task should lie alike; that they lie off zero together is an error of the model, not a favour.",
        ),
        _by("age band", "By age", "The same by age on the run's day; guessed birth years are left out."),
        _by("region", "By region", "The same by region; groups of fewer than 50 customers are left out."),
        Exhibit(
            "Largest gaps",
            "The two groups farthest apart, by measure: the twenty least likely by chance (Cochran's Q); the cards "
            "below have all. Of twenty gaps one has a chance below 0.05 where nothing is wrong. Base rates are of "
            "the customers, not of the model.",
            ("ml.model_fairness_gaps",),
            "select task, attribute, measure, highest_group, lowest_group, gap, interval_low, interval_high, chance "
            "from ml.model_fairness_gaps where chance is not null order by chance, task, attribute, measure limit 20",
            None,
        ),
    ),
)
