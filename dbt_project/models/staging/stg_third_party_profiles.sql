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
        phone,
        phone is not null as is_phone_valid,
        phone_pseudonym,
        email,
        email is not null as is_email_valid,
        email_pseudonym,

        ---------- description
        interests,
        age_band,
        income_band,

        ---------- lineage
        {{ lineage() }}
    from kept

)

select * from final
