with

tickets as (

    select
        *,
        coalesce(to_date(closed_at) <= {{ run_day() }}, false) as is_closed
    from {{ ref('stg_tickets') }}
    where ticket_id is not null and to_date(opened_at) <= {{ run_day() }}

),

-- A score is given when a ticket is closed; in a source that says of none when that was, it counts as known.
closing as (

    select
        source,
        count_if(is_closed) > 0 as is_told
    from tickets
    group by source

),

final as (

    select
        ---------- ids
        tickets.source,
        tickets.ticket_id,
        tickets.customer_id,

        ---------- what the customer wrote
        tickets.subject,
        tickets.body,

        ---------- measures
        case
            when not coalesce(tickets.is_satisfaction_imputed, false) and (tickets.is_closed or not closing.is_told)
                then tickets.satisfaction
        end as satisfaction,

        ---------- times
        tickets.opened_at,
        to_date(tickets.opened_at) as opened_on,
        {{ run_day() }} as as_of_on
    from tickets
    inner join closing on tickets.source = closing.source

)

select * from final
