{{ config(materialized='merged', meta={'day': 'sent_on'}, tblproperties=skipping_by('sent_on')) }}
with

kept as (

    {{ kept_rows('sends') }}

),

final as (

    select
        source,

        ---------- ids
        send_id,
        campaign_id,
        customer_id,

        ---------- description
        channel,

        ---------- times
        sent_at,
        to_date(sent_at) as sent_on,
        opened_at,
        clicked_at,
        converted_at,

        ---------- money
        cost_amount,
        revenue_amount,
        currency,

        ---------- lineage
        {{ lineage() }}
    from kept

)

select {{ by_day() }}* from final
