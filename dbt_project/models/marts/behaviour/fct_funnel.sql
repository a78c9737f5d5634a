with

sessions as (

    select * from {{ ref('fct_sessions') }}

),

steps as (

    select
        started_on,
        coalesce(channel, 'unknown') as channel,
        coalesce(device_type, 'unknown') as device_type,
        count(*) as session_count,
        count_if(furthest_step >= 2) as view_session_count,
        count_if(furthest_step >= 3) as cart_session_count,
        count_if(furthest_step >= 4) as checkout_session_count,
        count_if(furthest_step >= 5) as purchase_session_count,
        count_if(is_anonymous) as anonymous_session_count,
        count_if(is_abandoned_cart) as abandoned_cart_session_count,
        cast(size(collect_set(customer_id)) as bigint) as customer_count
    from sessions
    group by started_on, coalesce(channel, 'unknown'), coalesce(device_type, 'unknown')

),

final as (

    select
        ---------- keys
        started_on,
        channel,
        device_type,

        ---------- counts
        session_count,
        view_session_count,
        cart_session_count,
        checkout_session_count,
        purchase_session_count,
        anonymous_session_count,
        abandoned_cart_session_count,
        customer_count,

        ---------- rates
        view_session_count / session_count as view_rate,
        cart_session_count / nullif(view_session_count, 0) as view_to_cart_rate,
        checkout_session_count / nullif(cart_session_count, 0) as cart_to_checkout_rate,
        purchase_session_count / nullif(checkout_session_count, 0) as checkout_to_purchase_rate,
        purchase_session_count / session_count as conversion_rate
    from steps

)

select * from final
