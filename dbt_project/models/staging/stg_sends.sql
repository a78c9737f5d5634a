with

checked as (

    {{ checked_rows('sends') }}

),

kept as (

    {{ without_copies('sends') }}

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

select * from final
