with

checked as (

    {{ checked_rows('consents') }}

),

kept as (

    {{ without_copies('consents') }}

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

        ---------- lineage
        {{ lineage() }}
    from kept

)

select * from final
