-- Rows here mean that a feature table has two rows where it promises one, or a row after the run's day: models would
-- learn from doubled or future rows. Rows are summed: Sail 0.7 refuses a sum of counts of a one-row table.
{% set keys = {
    'feat_customer_rfm': ('customer_id', 'last_ordered_on'),
    'feat_customer_behaviour': ('customer_id', 'last_active_on'),
    'feat_product': ('product_id', 'last_sold_on'),
    'feat_interactions': ('customer_id, product_id, interacted_on', 'interacted_on'),
    'feat_impressions': ('source, impression_id', 'shown_on'),
    'feat_channel_returns': ('channel, currency', 'as_of_on'),
    'feat_memberships': ('customer_id, started_on', 'started_on'),
    'feat_customer_tags': ('customer_id, tag_type, tag', 'as_of_on'),
    'feat_customer_person': ('customer_id', 'as_of_on'),
    'feat_ticket_text': ('source, ticket_id', 'to_date(opened_at)'),
} %}
{% for table, (key, day) in keys.items() %}
select
    '{{ table }} by {{ key }}' as rule,
    coalesce(sum(row_count - 1), 0) as doubled_count,
    coalesce(sum(late_count), 0) as late_count
from (
    select
        sum(1) as row_count,
        count_if({{ day }} > {{ run_day() }}) as late_count
    from {{ ref(table) }}
    group by {{ key }}
)
where row_count > 1 or late_count > 0
having count(*) > 0
{% if not loop.last %}union all{% endif %}
{% endfor %}
