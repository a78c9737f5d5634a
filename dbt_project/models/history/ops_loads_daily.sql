with

loads as (

    select * from {{ source('ops', 'loads') }}

),

days as (

    select
        cast(loaded_at as date) as loaded_on,
        source,
        entity,
        count(*) as file_count,
        sum(rows_read) as read_row_count,
        sum(rows_landed) as landed_row_count,
        sum(rows_quarantined) as quarantined_row_count,
        sum(coalesce(rows_erased, 0)) as erased_row_count,
        sum(coalesce(rows_expired, 0)) as expired_row_count,
        sum(bytes_read) as byte_count
    from loads
    group by cast(loaded_at as date), source, entity

),

final as (

    select
        ---------- keys
        loaded_on,
        source,
        entity,

        ---------- counts
        file_count,
        read_row_count,
        landed_row_count,
        quarantined_row_count,
        erased_row_count,
        expired_row_count,
        byte_count,

        ---------- shares
        {{ ratio('quarantined_row_count', 'read_row_count') }} as quarantine_rate
    from days

)

select * from final
