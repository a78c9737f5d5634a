{{ config(materialized='replaced', tblproperties=skipping_by('interacted_on'), meta={'day': 'interacted_on'}) }}
{%- do touch_days(days_of_changed_interactions()) -%}

with

activity as (

    select * from {{ ref('feat_activity') }}

),

scales as (

    select
        source,
        max(value) as highest_rating
    from activity
    where kind = 'rating'
    group by source

),

per_day as (

    select
        activity.customer_id,
        activity.product_id,
        activity.occurred_on as interacted_on,
        count_if(kind = 'view') as view_count,
        count_if(kind = 'add_to_cart') as cart_count,
        cast(size(collect_set(case when is_purchase then happening_id end)) as bigint) as purchase_count,
        sum(case when is_purchase then quantity else 0 end) as unit_count,
        max(
            case
                when kind = 'rating' then struct(occurred_at, value as rating, value / highest_rating as rating_rate)
            end
        ) as last_rating,
        min(occurred_at) as first_interaction_at,
        max(occurred_at) as last_interaction_at
    from activity
    left join scales on activity.source = scales.source
    where
        {{ on_touched_days('activity.occurred_on') }}
        and activity.customer_id is not null
        and activity.product_id is not null
        and (activity.kind in ('view', 'add_to_cart', 'rating') or activity.is_purchase)
    group by activity.customer_id, activity.product_id, activity.occurred_on

),

final as (

    select
        ---------- ids
        customer_id,
        product_id,

        ---------- counts
        view_count,
        cart_count,
        purchase_count,
        unit_count,

        ---------- numbers
        last_rating.rating,
        ln(1 + view_count) / ln(2)
        + 3 * ln(1 + cart_count) / ln(2)
        + 5 * ln(1 + purchase_count) / ln(2)
        + 5 * greatest(coalesce(last_rating.rating_rate, 0), 0) as weight,

        ---------- times
        interacted_on,
        first_interaction_at,
        last_interaction_at
    from per_day

)

select {{ in_order_of_days(landed_rows(['events', 'order_lines', 'ratings'])) }}* from final
