with

kept as (

    {{ without_copies('partner_members') }}

),

final as (

    select
        source,

        ---------- ids
        partner_id,
        member_id,

        ---------- person
        full_name,
        phone,
        phone is not null as is_phone_valid,
        email,
        email is not null as is_email_valid,

        ---------- dates
        joined_on,

        ---------- lineage
        {{ lineage() }}
    from kept

)

select * from final
