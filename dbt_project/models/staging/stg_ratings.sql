{{ config(materialized='merged', meta={'day': 'rated_on'}, tblproperties=skipping_by('rated_on')) }}
with

kept as (

    {{ kept_rows('ratings') }}

),

final as (

    select
        source,

        ---------- ids
        customer_id,
        product_id,

        ---------- measures
        rating,

        ---------- times
        rated_at,
        to_date(rated_at) as rated_on,

        ---------- lineage
        {{ lineage() }}
    from kept

)

select {{ by_day() }}* from final
