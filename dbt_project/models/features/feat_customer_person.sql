with

people as (

    select
        source,
        customer_id,
        gender,
        given_name
    from {{ ref('stg_customers') }}
    where customer_id is not null and (registered_at is null or to_date(registered_at) <= {{ run_day() }})

),

-- Where several sources list a customer, the first source by name that says it.
final as (

    select
        ---------- ids
        customer_id,

        ---------- told by a source
        min_by(gender, case when gender is not null then source end) as gender,
        min_by(given_name, case when given_name is not null then source end) as given_name,

        ---------- times
        {{ run_day() }} as as_of_on
    from people
    group by customer_id

)

select * from final
