"""What the report shows, in its order: the data, what each model reaches, whether it is fair."""

from __future__ import annotations

from lakehouse.report.charts import bars, beside_diagonal, bubbles, intervals, lines
from lakehouse.report.data_sections import DATA_SECTIONS
from lakehouse.report.exhibits import Exhibit, Section, effects, gains, metrics, reliability
from lakehouse.report.fairness_section import FAIRNESS

OF_TEN = ("ndcg_at_10", "recall_at_10", "map_at_10", "coverage_at_10", "novelty_at_10")
METHOD = "regexp_replace(metric, '_[a-z]+_at_10', '')"
"""Of a metric such as item_to_item_recall_at_10."""

SECTIONS = (
    *DATA_SECTIONS,
    Section(
        "Segments",
        (
            Exhibit(
                "Who they are",
                "A circle is a segment, its area the number of customers: right is longer without an order, up is more "
                "spent per customer.",
                ("ml.segment_profiles",),
                "select segment_name, customer_count, recency_days, frequency, monetary_amount, revenue_amount, action "
                "from ml.segment_profiles order by revenue_amount desc, segment_name",
                bubbles("segment_name", "recency_days", "monetary_amount", "customer_count"),
            ),
            Exhibit(
                "Customers by segment",
                "Each with what to do about it, in the table below.",
                ("ml.segment_profiles",),
                "select segment_name, customer_count, action from ml.segment_profiles order by customer_count desc",
                bars("segment_name", "customer_count"),
            ),
            Exhibit(
                "How many segments",
                "The sum of squared distances for each number of segments: where the curve bends more of them tell "
                "little. Silhouettes beside it in the table, with the choice.",
                ("ml.segment_elbow",),
                "select k, cost, silhouette, is_chosen from ml.segment_elbow order by k",
                lines("k", "cost", mark="is_chosen"),
            ),
            Exhibit(
                "By what they differ",
                "Which share of a feature's variance (eta squared) and of that of its ranks (epsilon squared) lies "
                "between segments. Of a feature that they were made of p is small by construction.",
                ("ml.segment_tests",),
                "select feature, eta_squared, epsilon_squared, anova_f, anova_p, kruskal_h, kruskal_p, is_fitted_on, "
                "customer_count from ml.segment_tests order by eta_squared desc, feature",
                bars("feature", "eta_squared", "epsilon_squared"),
            ),
            metrics("Measures", "segment", "Of the segmentation in use."),
        ),
    ),
    Section(
        "Recommendations",
        (
            Exhibit(
                "Which method finds most",
                "nDCG@10 of each method on later purchases, with 95 % intervals. The simplest serves that none passes "
                "by more than chance, as the other half of the customers has it.",
                ("ml.model_metrics",),
                "select replace(metric, '_ndcg_at_10', '') as method, value as ndcg_at_10, interval_low, interval_high "
                "from ml.model_metrics where task = 'recommend' and metric like '%_ndcg_at_10' "
                "order by value desc, method",
                intervals("method", "ndcg_at_10", "interval_low", "interval_high"),
            ),
            Exhibit(
                "Measures by method",
                "Of ten recommendations on later purchases; popularity is what one would do without a model.",
                ("ml.model_metrics",),
                f"select {METHOD} as method, "
                + ", ".join(f"max(case when metric like '%_{name}' then value end) as {name}" for name in OF_TEN)
                + " from ml.model_metrics where task = 'recommend' and split like 'by method%' "
                f"group by {METHOD} order by ndcg_at_10 desc, method",
                None,
            ),
            metrics("Measures of what serves", "recommend", "With their intervals.", "split not like 'by method%'"),
            Exhibit(
                "Where recommendations come from",
                "Rows by method: customers of whom nothing is known get what their segment or everybody takes.",
                ("ml.recommendations",),
                "select strategy, count(*) as row_count from ml.recommendations group by strategy order by 2 desc",
                bars("strategy", "row_count"),
            ),
        ),
    ),
    Section(
        "Clicks",
        (
            metrics("Measures", "click", "Found on later impressions than those that were learnt from."),
            Exhibit(
                "Reliability",
                "Later impressions by what was predicted, a tenth of them each: of those with 5 % predicted, 5 % "
                "should have been clicked.",
                ("ml.click_curves",),
                "select x as predicted_click_rate, y as click_rate, impression_count from ml.click_curves "
                "where curve = 'reliability' order by x",
                beside_diagonal("predicted_click_rate", "click_rate"),
            ),
            Exhibit(
                "Gains",
                "Which share of all clicks came from the impressions with the highest predictions.",
                ("ml.click_curves",),
                "select x as share_of_impressions, y as share_of_clicks from ml.click_curves where curve = 'gains' "
                "order by x",
                beside_diagonal("share_of_impressions", "share_of_clicks", "picked at random"),
            ),
            effects(
                "Strongest effects",
                "Coefficients of the logistic regression, in log-odds: right makes a click likelier.",
                "ml.click_coefficients",
                "feature",
                "coefficient",
                "feature not like '(%'",
            ),
        ),
    ),
    Section(
        "Churn",
        (
            Exhibit(
                "Survival",
                "The share of customers who have not left after so many days.",
                ("ml.churn_curves",),
                "select risk_group, days, survival from ml.churn_curves order by risk_group, days",
                lines("days", "survival", by="risk_group", is_step=True),
            ),
            reliability("churn", "share_lost"),
            gains("churn", "share_of_lost"),
            Exhibit(
                "What it rests on",
                "Customers by the feature that says most of their days, and whether it raises or lowers the danger.",
                ("ml.churn_predictions",),
                "select reason_feature, count_if(reason_effect = 'raises') as raises, "
                "count_if(reason_effect = 'lowers') as lowers, count(*) as customer_count from ml.churn_predictions "
                "where reason_feature is not null group by reason_feature order by customer_count desc, reason_feature",
                bars("reason_feature", "raises", "lowers", stacked=True),
            ),
            metrics("Measures", "churn", "Found on a later time than was learnt from."),
        ),
    ),
    Section(
        "Purchases",
        (
            metrics("Measures", "purchase", "Of the probability of a purchase in the next 30 days, on later days."),
            reliability("purchase", "share_of_buyers"),
            gains("purchase", "share_of_all_buyers"),
            effects(
                "What matters",
                "By how much the measure falls when a feature's values are shuffled among customers.",
                "ml.purchase_importances",
                "feature",
                "importance_mean",
            ),
        ),
    ),
    Section(
        "Tickets",
        (
            Exhibit(
                "Topics",
                "Tickets by topic and mood; unknown where too few customers gave a score to learn from.",
                ("ml.ticket_texts",),
                "select coalesce(topic, 'none') as topic, count_if(sentiment_label = 'positive') as positive, "
                "count_if(sentiment_label = 'neutral') as neutral, count_if(sentiment_label = 'negative') as negative, "
                "count_if(sentiment_label = 'unknown') as unknown, count(*) as ticket_count "
                "from ml.ticket_texts group by coalesce(topic, 'none') order by ticket_count desc, topic",
                bars("topic", "positive", "neutral", "negative", "unknown", stacked=True),
            ),
            metrics("Measures", "text", "Found on later tickets than those that were learnt from."),
        ),
    ),
    Section(
        "Value",
        (
            Exhibit(
                "What customers will bring",
                "Net value foretold of the next 365 days, summed by segment.",
                ("ml.customer_value", "ml.customer_segments"),
                "select segments.segment_name, count(*) as customer_count, "
                "sum(foretold.expected_order_count_365d) as expected_order_days, "
                "sum(foretold.expected_value_365d_amount) as expected_value_365d_amount, "
                "avg(foretold.alive_probability) as alive_probability "
                "from ml.customer_value as foretold inner join ml.customer_segments as segments "
                "on foretold.customer_id = segments.customer_id "
                "group by segments.segment_name order by expected_value_365d_amount desc, segments.segment_name",
                bars("segment_name", "expected_value_365d_amount"),
            ),
            metrics("Measures", "value", "Of the orders to come, on a later period."),
        ),
    ),
    Section(
        "Budget",
        (
            Exhibit(
                "Allocation",
                "What each channel gets of the budget, and what it is expected to bring.",
                ("ml.budget_allocation",),
                "select channel, currency, unit_cost_amount, unit_return_amount, unit_return_error, minimum_count, "
                "maximum_count, allocated_count, allocated_amount, expected_return_amount, bound, shadow_price "
                "from ml.budget_allocation order by allocated_amount desc, channel",
                bars("channel", "allocated_amount", "expected_return_amount"),
            ),
            Exhibit(
                "Contacts and their limits",
                "What each channel gets between the fewest and the most that it may get. A shadow price is what one "
                "more contact of that limit would bring; budget_shadow_price what one more unit of money would.",
                ("ml.budget_allocation",),
                "select channel, minimum_count, allocated_count, maximum_count, bound, shadow_price, "
                "budget_shadow_price, one_more_return_amount, conflict "
                "from ml.budget_allocation order by allocated_count desc, channel",
                bars("channel", "minimum_count", "allocated_count", "maximum_count"),
            ),
            metrics("Measures", "budget", "Of the plan, beside doing as in the last 30 days."),
        ),
    ),
    FAIRNESS,
)
