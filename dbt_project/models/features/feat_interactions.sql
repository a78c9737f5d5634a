with

activity as (

    select * from {{ ref('feat_activity') }}
    where
        customer_id is not null
        and product_id is not null
        and (kind in ('view', 'add_to_cart', 'rating') or is_purchase)

),

per_day as (

    select
        customer_id,
        product_id,
        occurred_on as interacted_on,
        max(as_of_on) as as_of_on,
        count_if(kind = 'view') as view_count,
        count_if(kind = 'add_to_cart') as cart_count,
        cast(size(collect_set(case when is_purchase then happening_id end)) as bigint) as purchase_count,
        sum(case when is_purchase then quantity else 0 end) as unit_count,
        max(case when kind = 'rating' then struct(occurred_at, value as rating, value_rate as rating_rate) end)
            as last_rating,
        min(occurred_at) as first_interaction_at,
        max(occurred_at) as last_interaction_at
    from activity
    group by customer_id, product_id, occurred_on

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
        last_interaction_at,
        datediff(as_of_on, interacted_on) as days_before_as_of,
        as_of_on
    from per_day

)

select * from final
