{%- set day = run_day() -%}
with

campaigns as (

    select
        campaign_id,
        min(channel) as channel
    from {{ ref('stg_campaigns') }}
    where channel is not null
    group by campaign_id

),

-- What a message brought, as far as it was known on the day.
sends as (

    select
        sends.campaign_id,
        coalesce(sends.channel, campaigns.channel) as channel,
        sends.currency,
        sends.cost_amount,
        case
            when to_date(coalesce(sends.converted_at, sends.sent_at)) <= {{ day }} then sends.revenue_amount
        end as revenue_amount,
        sends.sent_on
    from {{ ref('stg_sends') }} as sends
    left join campaigns on sends.campaign_id = campaigns.campaign_id
    where sends.sent_on <= {{ day }}

),

-- Campaigns whose messages say themselves what they brought: their orders are not counted once more.
told_by_messages as (

    select distinct campaign_id
    from sends
    where campaign_id is not null and revenue_amount is not null

),

impressions as (

    select
        campaigns.channel,
        impressions.currency,
        impressions.cost_amount,
        impressions.shown_on
    from {{ ref('stg_impressions') }} as impressions
    inner join campaigns on impressions.campaign_id = campaigns.campaign_id
    where impressions.shown_on > date_sub({{ day }}, 90) and impressions.shown_on <= {{ day }}

),

orders as (

    select
        lines.source,
        lines.order_id,
        campaigns.channel,
        lines.currency,
        sum(lines.net_amount) as revenue_amount,
        max(lines.ordered_on) as ordered_on
    from {{ ref('stg_order_lines') }} as lines
    inner join campaigns on lines.campaign_id = campaigns.campaign_id
    left anti join told_by_messages on lines.campaign_id = told_by_messages.campaign_id
    where lines.is_sale and lines.ordered_on > date_sub({{ day }}, 90) and lines.ordered_on <= {{ day }}
    group by lines.source, lines.order_id, campaigns.channel, lines.currency

),

happenings as (

    select
        channel,
        currency,
        1 as contact_count,
        cost_amount,
        revenue_amount,
        sent_on as happened_on
    from sends
    where sent_on > date_sub({{ day }}, 90)

    union all

    select
        channel,
        currency,
        1 as contact_count,
        cost_amount,
        null as revenue_amount,
        shown_on as happened_on
    from impressions

    union all

    select
        channel,
        currency,
        0 as contact_count,
        null as cost_amount,
        revenue_amount,
        ordered_on as happened_on
    from orders

),

recent as (

    select
        *,
        cast(revenue_amount as decimal(18, 2)) as revenue,
        happened_on > date_sub({{ day }}, 30) as is_in_30d
    from happenings
    where channel is not null

),

counted as (

    select
        channel,
        currency,
        {{ day }} as as_of_on,
        sum(case when is_in_30d then contact_count else 0 end) as contact_count_30d,
        sum(contact_count) as contact_count_90d,
        coalesce(sum(case when is_in_30d then cost_amount end), 0) as cost_30d_amount,
        coalesce(sum(cost_amount), 0) as cost_90d_amount,
        coalesce(sum(case when is_in_30d then revenue end), 0) as revenue_30d_amount,
        coalesce(sum(revenue), 0) as revenue_90d_amount,
        coalesce(sum(revenue * revenue), 0) as squared_revenue,
        {{ average('case when is_in_30d then cost_amount end') }} as cost_per_contact_30d,
        {{ average('cost_amount') }} as cost_per_contact_90d
    from recent
    group by channel, currency
    having sum(contact_count) > 0

),

final as (

    select
        ---------- keys
        channel,
        currency,

        ---------- counts
        cast(contact_count_30d as bigint) as contact_count_30d,
        cast(contact_count_90d as bigint) as contact_count_90d,

        ---------- amounts
        cast(cost_30d_amount as decimal(18, 2)) as cost_30d_amount,
        cast(cost_90d_amount as decimal(18, 2)) as cost_90d_amount,
        cast(revenue_30d_amount as decimal(18, 2)) as revenue_30d_amount,
        cast(revenue_90d_amount as decimal(18, 2)) as revenue_90d_amount,

        ---------- per contact
        coalesce(cost_per_contact_30d, cost_per_contact_90d) as cost_per_contact,
        {{ ratio('revenue_90d_amount', 'contact_count_90d') }} as return_per_contact,
        case
            when contact_count_90d > 1
                then sqrt(
                    greatest(
                        cast(squared_revenue as double)
                        - cast(revenue_90d_amount as double) * {{ ratio('revenue_90d_amount', 'contact_count_90d') }},
                        cast(0 as double)
                    ) / cast(contact_count_90d * (contact_count_90d - 1) as double)
                )
        end as return_standard_error,

        ---------- times
        as_of_on
    from counted

)

select * from final
