with

segments as (

    select * from {{ source('ml', 'customer_segments') }}

),

contactable as (

    select customer_id from {{ ref('dim_consent') }} where is_contactable

),

currencies as (

    select
        customer_id,
        currency
    from {{ ref('feat_customer_rfm') }}
    where not has_mixed_currencies

),

-- What is so of the customer, and what their segment and the next nearest one are called in a sentence.
told as (

    select
        segments.customer_id,
        segments.segment_id,
        segments.segment_name,
        segments.action,
        segments.next_segment_name,
        segments.model_version,
        {{ say_by('segments.reason_feature', segment_facts(), {
            'count': count_text('segments.reason_value'),
            'ago': days_ago_text('segments.reason_value'),
            'amount': amount_text('segments.reason_value', 'currencies.currency'),
        }) }} as fact,
        {{ say_by('segments.segment_name', segment_names()) }} as segment_said,
        {{ say_by('segments.next_segment_name', segment_names()) }} as other_said
    from segments
    inner join contactable on segments.customer_id = contactable.customer_id
    left join currencies on segments.customer_id = currencies.customer_id

),

final as (

    select
        ---------- ids
        customer_id,
        segment_id,

        ---------- what it means
        segment_name,
        action,

        ---------- why
        {{ say_by(
            "case when next_segment_name is null then 'alone' when fact is null then 'between' else 'apart' end",
            segment_reasons(),
            {'fact': 'fact', 'segment': 'segment_said', 'other': 'other_said'}
        ) }} as reason,
        next_segment_name,

        ---------- where it comes from
        model_version
    from told

)

select * from final
