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
        {{ masked_name('kept.full_name') }} as full_name,
        {{ masked_phone('kept.phone') }} as phone,
        kept.phone is not null as is_phone_valid,
        {{ masked_email('kept.email') }} as email,
        kept.email is not null as is_email_valid,

        ---------- dates
        joined_on,

        ---------- lineage
        {{ lineage() }}
    from kept

)

select * from final
