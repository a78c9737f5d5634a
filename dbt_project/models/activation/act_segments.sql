with

segments as (

    select * from {{ source('ml', 'customer_segments') }}

),

final as (

    select
        ---------- ids
        customer_id,
        segment_id,

        ---------- what it means
        segment_name,
        action,

        ---------- where it comes from
        model_version
    from segments

)

select * from final
