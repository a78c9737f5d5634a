{{ config(materialized='ephemeral') }}

with

as_of as (

    select as_of_on from {{ source('ops', 'as_of') }}

),

products as (

    select * from {{ ref('stg_products') }}

),

listed as (

    select
        products.*,
        row_number() over (partition by products.product_id order by products.source) as source_rank
    from products
    cross join as_of
    where
        products.product_id is not null
        and (products.listed_at is null or to_date(products.listed_at) <= as_of.as_of_on)

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
