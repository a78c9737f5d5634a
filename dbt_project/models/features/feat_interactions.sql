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

interactions as (

    select
        *,
        occurred_on as interacted_on
    from activity
    where
        {{ on_touched_days('occurred_on') }}
        and customer_id is not null
        and product_id is not null
        and (kind in ('view', 'add_to_cart', 'rating') or is_purchase)

),

counted as (

    select
        customer_id,
        product_id,
        interacted_on,
        count_if(kind = 'view') as view_count,
        count_if(kind = 'add_to_cart') as cart_count,
        sum(case when is_purchase then quantity else 0 end) as unit_count,
        min(occurred_at) as first_interaction_at,
        max(occurred_at) as last_interaction_at
    from interactions
    group by customer_id, product_id, interacted_on

),

-- Purchases and ratings are few, and counted apart: what the many are grouped by stays small.
bought as (

    select
        customer_id,
        product_id,
        interacted_on,
        cast(size(collect_set(happening_id)) as bigint) as purchase_count
    from interactions
    where is_purchase
    group by customer_id, product_id, interacted_on

),

-- The last rating of a day. An aggregate over structs would keep each of them in memory by itself.
rated as (

    select * from (
        select
            interactions.customer_id,
            interactions.product_id,
            interactions.interacted_on,
            interactions.value as rating,
            interactions.value / scales.highest_rating as rating_rate,
            row_number() over (
                partition by interactions.customer_id, interactions.product_id, interactions.interacted_on
                order by
                    interactions.occurred_at desc,
                    interactions.value desc,
                    interactions.value / scales.highest_rating desc
            ) as place
        from interactions
        inner join scales on interactions.source = scales.source
        where interactions.kind = 'rating'
    ) as ordered
    where place = 1

),

per_day as (

    select
        counted.*,
        coalesce(bought.purchase_count, 0) as purchase_count,
        rated.rating,
        rated.rating_rate
    from counted
    left join bought
        on
            counted.customer_id = bought.customer_id
            and counted.product_id = bought.product_id
            and counted.interacted_on <=> bought.interacted_on
    left join rated
        on
            counted.customer_id = rated.customer_id
            and counted.product_id = rated.product_id
            and counted.interacted_on <=> rated.interacted_on

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
        rating,
        ln(1 + view_count) / ln(2)
        + 3 * ln(1 + cart_count) / ln(2)
        + 5 * ln(1 + purchase_count) / ln(2)
        + 5 * greatest(coalesce(rating_rate, 0), 0) as weight,

        ---------- times
        interacted_on,
        first_interaction_at,
        last_interaction_at
    from per_day

)

select {{ in_order_of_days(landed_rows(['events', 'order_lines', 'ratings'])) }}* from final
