with

kept as (

    {{ without_copies('customers') }}

),

profiles as (

    select
        *,
        ---------- a birth year outside these bounds is a slip of the pen, and imputed like a missing one
        case when birth_year between 1900 and year(_loaded_at) then birth_year end as stated_birth_year
    from kept

),

{{ imputed_birth_years('profiles') }},

final as (

    select
        profiles.source,

        ---------- ids
        profiles.customer_id,

        ---------- person
        profiles.full_name,
        {{ given_name('profiles.given_name') }} as given_name,
        profiles.phone,
        profiles.phone is not null as is_phone_valid,
        profiles.phone_pseudonym,
        profiles.email,
        profiles.email is not null as is_email_valid,
        profiles.email_pseudonym,
        profiles.gender,
        cast(coalesce(profiles.stated_birth_year, imputed.birth_year) as int) as birth_year,
        profiles.stated_birth_year is null and imputed.birth_year is not null as is_birth_year_imputed,
        profiles.language,
        profiles.id_card is not null as has_id_card,

        ---------- place
        profiles.address,
        profiles.city,
        profiles.region,
        profiles.country,
        profiles.latitude,
        profiles.longitude,

        ---------- times
        profiles.registered_at,

        ---------- whatever else the source keeps
        profiles.attributes,

        ---------- lineage
        {{ lineage('profiles') }}
    from profiles
    left join imputed
        on profiles.source = imputed.source and profiles.customer_id = imputed.customer_id

)

select * from final
