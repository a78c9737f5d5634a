{{ config(materialized='ephemeral') }}

with

products as (

    select * from {{ ref('stg_products') }}

),

listed as (

    select
        *,
        row_number() over (partition by product_id order by source) as source_rank
    from products
    where
        product_id is not null
        and (listed_at is null or to_date(listed_at) <= {{ run_day() }})

),

final as (

    select
        ---------- ids
        source,
        product_id,

        ---------- kinds
        title,
        brand,
        category_path,
        category_level_1,
        category_level_2,
        category_level_3,
        coalesce(category_level_2, category_level_1) as category,
        currency,

        ---------- numbers
        cast(unit_price as decimal(18, 4)) as unit_price,
        cast(unit_cost as decimal(18, 4)) as unit_cost,

        ---------- times
        to_date(listed_at) as listed_on
    from listed
    where source_rank = 1

)

select * from final
