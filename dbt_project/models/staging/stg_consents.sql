{{ config(materialized='merged', meta={'day': 'changed_on'}, tblproperties=skipping_by('changed_on')) }}
with

kept as (

    {{ kept_rows('consents') }}

),

final as (

    select
        source,

        ---------- ids
        customer_id,

        ---------- description
        purpose,
        channel,
        origin,

        ---------- flags
        is_granted,

        ---------- times
        changed_at,
        to_date(changed_at) as changed_on,

        ---------- lineage
        {{ lineage() }}
    from kept

)

select {{ by_day() }}* from final
