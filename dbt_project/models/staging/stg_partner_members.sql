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
        phone_pseudonym,
        email,
        email is not null as is_email_valid,
        email_pseudonym,

        ---------- dates
        joined_on,

        ---------- lineage
        {{ lineage() }}
    from kept

)

select * from final
