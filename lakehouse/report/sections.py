"""What the report shows: a query, how to draw its rows, and a sentence on how to read them."""

from __future__ import annotations

from dataclasses import dataclass

from lakehouse.report.charts import Draw, bars, bubbles, lines, reliability


@dataclass(frozen=True)
class Exhibit:
    """A chart with its numbers.

    Args:
        reads: the tables (`schema.table`) without which there is nothing to show.
        sql: one row per mark of the chart, in the order in which the numbers are listed.
        draw: makes the picture; none where the numbers are all.
    """

    title: str
    about: str
    reads: tuple[str, ...]
    sql: str
    draw: Draw | None


@dataclass(frozen=True)
class Section:
    title: str
    exhibits: tuple[Exhibit, ...]


def _metrics(title: str, task: str, about: str) -> Exhibit:
    return Exhibit(
        title,
        about,
        ("ml.model_metrics",),
        f"select metric, value, baseline, baseline_value, split, model_version from ml.model_metrics "
        f"where task = '{task}' order by metric",
        None,
    )


def _effects(title: str, about: str, table: str, name: str, value: str, shown: str = "true") -> Exhibit:
    return Exhibit(
        title,
        about,
        (table,),
        f"select {name}, {value} from {table} where {shown} order by abs({value}) desc, {name} limit 20",
        bars(name, value),
    )


SECTIONS = (
    Section(
        "Data health",
        (
            Exhibit(
                "Rules by layer",
                "Every layer passes its rules before the next is built. An error stops the run, a warning is told.",
                ("ops.validations",),
                "select layer, count_if(passed) as passed, count_if(not passed and severity = 'warn') as warnings, "
                "count_if(not passed and severity = 'error') as errors from ops.validations "
                "where run_id = (select max(run_id) from ops.validations) group by layer "
                "order by array_position(array('bronze', 'silver', 'ml', 'gold'), layer)",
                bars("layer", "passed", "warnings", "errors", stacked=True),
            ),
            Exhibit(
                "Rows by entity",
                "What landed of each entity; what could not be read is kept in bronze.quarantine with its line.",
                ("ops.loads",),
                "select entity, sum(rows_landed) as rows_landed, sum(rows_quarantined) as rows_quarantined "
                "from ops.loads where is_current group by entity order by rows_landed desc, entity",
                bars("entity", "rows_landed", "rows_quarantined", stacked=True),
            ),
        ),
    ),
    Section(
        "Business",
        (
            Exhibit(
                "Funnel",
                "Sessions that got so far: the step where most are lost is the one to look at.",
                ("gold.fct_funnel",),
                "select stack(5, '1 sessions', sessions, '2 viewed', viewed, '3 cart', cart, '4 checkout', checkout, "
                "'5 purchase', purchase) as (step, session_count) from (select sum(session_count) as sessions, "
                "sum(view_session_count) as viewed, sum(cart_session_count) as cart, "
                "sum(checkout_session_count) as checkout, sum(purchase_session_count) as purchase "
                "from gold.fct_funnel)",
                bars("step", "session_count"),
            ),
            Exhibit(
                "Revenue by month",
                "Sales, what is left of them after discounts, and the margin where costs are known.",
                ("gold.mart_revenue_daily",),
                "select cast(date_trunc('month', ordered_on) as date) as month, currency, "
                "sum(sale_amount) as sale_amount, sum(net_sale_amount) as net_sale_amount, "
                "sum(margin_amount) as margin_amount "
                "from gold.mart_revenue_daily group by cast(date_trunc('month', ordered_on) as date), currency "
                "order by month, currency",
                lines("month", "sale_amount", "net_sale_amount", "margin_amount", y_title="amount"),
            ),
        ),
    ),
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
                lines("k", "cost"),
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
            _metrics("Measures", "segment", "Of the segmentation in use."),
        ),
    ),
    Section(
        "Recommendations",
        (
            Exhibit(
                "Which method finds most",
                "nDCG@10 of each method on later purchases. The simplest serves that none passes by more than chance.",
                ("ml.model_metrics",),
                "select replace(metric, '_ndcg_at_10', '') as method, value as ndcg_at_10 from ml.model_metrics "
                "where task = 'recommend' and metric like '%_ndcg_at_10' order by value desc, method",
                bars("method", "ndcg_at_10"),
            ),
            _metrics("Measures by method", "recommend", "Found on later purchases than those that were learnt from."),
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
            _metrics("Measures", "click", "Found on later impressions than those that were learnt from."),
            Exhibit(
                "Reliability",
                "Later impressions by what was predicted, a tenth of them each: of those with 5 % predicted, 5 % "
                "should have been clicked.",
                ("ml.click_curves",),
                "select x as predicted_click_rate, y as click_rate, impression_count from ml.click_curves "
                "where curve = 'reliability' order by x",
                reliability("predicted_click_rate", "click_rate"),
            ),
            Exhibit(
                "Gains",
                "Which share of all clicks came from the impressions with the highest predictions.",
                ("ml.click_curves",),
                "select x as share_of_impressions, y as share_of_clicks from ml.click_curves where curve = 'gains' "
                "order by x",
                reliability("share_of_impressions", "share_of_clicks"),
            ),
            _effects(
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
            _metrics("Measures", "churn", "Found on a later time than was learnt from."),
        ),
    ),
    Section(
        "Purchases",
        (
            _metrics("Measures", "purchase", "Of the probability of a purchase in the next 30 days, on later days."),
            _effects(
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
            _metrics("Measures", "text", "Found on later tickets than those that were learnt from."),
        ),
    ),
    Section("Value", (_metrics("Measures", "value", "Of the orders to come, on a later period."),)),
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
        ),
    ),
)
