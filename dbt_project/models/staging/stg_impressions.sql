{{ config(
    materialized='merged', tblproperties=skipping_by('shown_on'),
    meta={'day': 'shown_on', 'judged': ['is_known_customer']}
) }}
with

kept as (

    {{ kept_rows('impressions') }}

),

{{ known_keys('customer') }},

final as (

    select
        kept.source,

        ---------- ids
        kept.impression_id,
        kept.customer_id,
        kept.campaign_id,
        kept.creative_id,
        kept.slot_id,

        ---------- description
        kept.device_type,
        kept.region,

        ---------- times
        kept.shown_at,
        to_date(kept.shown_at) as shown_on,

        ---------- money
        kept.cost_amount,
        kept.currency,

        ---------- flags
        coalesce(kept.is_clicked, false) as is_clicked,
        {{ is_known('customer', 'kept') }} as is_known_customer,

        ---------- whatever else the source keeps
        kept.attributes,

        ---------- lineage
        {{ lineage('kept') }}
    from kept
    {{ join_known('customer', 'kept') }}

)

select {{ by_day() }}* from final
