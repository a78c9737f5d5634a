with

memberships as (

    select * from {{ ref('stg_memberships') }}

),

final as (

    select
        ---------- ids
        customer_id,

        ---------- dates
        started_on,
        case when count(*) = count(expires_on) then max(expires_on) end as expires_on
    from memberships
    where customer_id is not null and started_on <= {{ run_day() }}
    group by customer_id, started_on

)

select * from final
