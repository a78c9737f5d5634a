"""What the report shows of the data: its health, the funnel, the revenue."""

from __future__ import annotations

from lakehouse.report.charts import bars, lines
from lakehouse.report.exhibits import Exhibit, Section

DATA_SECTIONS = (
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
            Exhibit(
                "Held back in silver",
                "Rows that could be read and cannot be what they claim, by reason; silver.quarantine has each of them.",
                ("silver.quarantine",),
                "select concat(entity, ': ', reason) as reason, count(*) as row_count from silver.quarantine "
                "group by concat(entity, ': ', reason) order by row_count desc, reason limit 20",
                bars("reason", "row_count"),
            ),
            Exhibit(
                "Who may be contacted",
                "Customers by channel; activation tables hold nobody else. Where no source brings consents, it was "
                "assumed, as the numbers say (setting assume_consent).",
                ("gold.dim_consent",),
                "select channel, count(*) as customer_count, "
                "if(bool_or(is_consent_assumed), 'consent was assumed', 'consent was given') as basis "
                "from (select explode(contact_channels) as channel, is_consent_assumed from gold.dim_consent) "
                "group by channel order by channel",
                bars("channel", "customer_count"),
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
)
