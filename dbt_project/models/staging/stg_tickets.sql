with

kept as (

    {{ without_copies('tickets') }}

),

with_mean as (

    select
        *,
        round(avg(cast(satisfaction as decimal(9, 4))) over (partition by source), 2) as mean_satisfaction
    from kept

),

final as (

    select
        source,

        ---------- ids
        ticket_id,
        customer_id,

        ---------- description
        channel,
        subject,
        body,

        ---------- times
        opened_at,
        closed_at,

        ---------- measures
        coalesce(satisfaction, cast(mean_satisfaction as double)) as satisfaction,
        satisfaction is null and mean_satisfaction is not null as is_satisfaction_imputed,

        ---------- lineage
        {{ lineage() }}
    from with_mean

)

select * from final
