{{ config(materialized='merged', meta={'day': 'seen_on'}, tblproperties=skipping_by('seen_on')) }}
with

kept as (

    {{ kept_rows('locations') }}

),

final as (

    select
        source,

        ---------- ids
        customer_id,

        ---------- place
        latitude,
        longitude,
        dwell_seconds,

        ---------- times
        seen_at,
        to_date(seen_at) as seen_on,

        ---------- lineage
        {{ lineage() }}
    from kept

)

select {{ by_day() }}* from final
