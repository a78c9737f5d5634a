-- Rows here mean that an activation table names somebody who has not consented to marketing on any channel, has taken
-- it back, or is suppressed: stop every export, tell the privacy officer.
{% set tables = [
    'act_segments', 'act_recommendations', 'act_click_propensity', 'act_purchase_propensity', 'act_churn_rescue'
] %}
{% for table in tables %}
select
    '{{ table }}' as told_by,
    activated.customer_id
from (select customer_id from {{ ref(table) }} where customer_id is not null group by customer_id) as activated
left join {{ ref('dim_consent') }} as consents on activated.customer_id = consents.customer_id
where not coalesce(consents.is_contactable, false) or consents.is_suppressed
{{ 'union all' if not loop.last }}
{% endfor %}
