with

kept as (

    {{ without_copies('campaigns') }}

),

final as (

    select
        source,

        ---------- ids
        campaign_id,

        ---------- description
        name,
        channel,
        objective,

        ---------- dates
        starts_on,
        ends_on,

        ---------- money
        budget_amount,
        currency,

        ---------- lineage
        {{ lineage() }}
    from kept

)

select * from final
