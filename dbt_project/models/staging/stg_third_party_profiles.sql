with

kept as (

    {{ without_copies('third_party_profiles') }}

),

final as (

    select
        source,

        ---------- ids
        provider,
        profile_id,

        ---------- person
        {{ masked_phone('kept.phone') }} as phone,
        kept.phone is not null as is_phone_valid,
        {{ masked_email('kept.email') }} as email,
        kept.email is not null as is_email_valid,

        ---------- description
        interests,
        age_band,
        income_band,

        ---------- lineage
        {{ lineage() }}
    from kept

)

select * from final
