with

behaviour as (

    select * from {{ ref('feat_customer_behaviour') }}

),

-- Joined first, for what is wide (lists, maps) is dear to carry through joins.
people as (

    select customer_id from {{ ref('feat_customer_behaviour') }}

),

rfm as (

    select * from {{ ref('feat_customer_rfm') }}

),

registered as (

    select * from {{ ref('stg_customers') }}
    where registered_at is null or to_date(registered_at) <= {{ run_day() }}

),

first_sources as (

    select
        customer_id,
        min(source) as source
    from registered
    group by customer_id

),

-- One profile per customer: where several sources list them, the first source by name. Its wide rows are not sorted.
profiles as (

    select registered.* from registered
    inner join first_sources
        on registered.customer_id = first_sources.customer_id and registered.source = first_sources.source

),

memberships as (

    select * from (
        select
            customer_id,
            expires_on,
            tier,
            points,
            min(started_on) over (partition by customer_id) as first_started_on,
            row_number() over (
                partition by customer_id
                order by started_on desc, expires_on desc, tier desc, points desc
            ) as place
        from {{ ref('stg_memberships') }}
        where started_on <= {{ run_day() }}
    ) as ordered
    where place = 1

),

consents as (

    select * from {{ ref('dim_consent') }}

),

contacts as (

    select
        customer_id,
        'ad' as kind,
        campaign_id,
        shown_at as touched_at
    from {{ ref('feat_impressions') }}
    where customer_id is not null

    union all

    select
        sends.customer_id,
        sends.channel as kind,
        sends.campaign_id,
        sends.sent_at as touched_at
    from {{ ref('stg_sends') }} as sends
    where sends.customer_id is not null and to_date(sends.sent_at) <= {{ run_day() }}

),

last_moments as (

    select
        customer_id,
        max(touched_at) as touched_at
    from contacts
    group by customer_id

),

-- Only contacts of the last moment are put in order: of all of them that took as long as many joins.
last_touch as (

    select * from (
        select
            contacts.*,
            row_number() over (
                partition by contacts.customer_id order by contacts.kind desc, contacts.campaign_id desc
            ) as place
        from contacts
        inner join last_moments
            on contacts.customer_id = last_moments.customer_id and contacts.touched_at = last_moments.touched_at
    ) as ordered
    where place = 1

),

segments as (

    select * from {{ source('ml', 'customer_segments') }}

),

churn as (

    select
        customer_id,
        churn_probability,
        churn_probability_low,
        churn_probability_high
    from {{ source('ml', 'churn_predictions') }}

),

-- What tells a customer from others, the most telling first; what everybody has tells nothing.
tags as (

    select
        customer_id,
        transform(array_sort(collect_list(struct(rank, tag))), ranked -> ranked.tag) as top_tags
    from {{ ref('feat_customer_tags') }}
    where rank <= 10 and weight > 0
    group by customer_id

),

last_tickets as (

    select * from (
        select
            *,
            row_number() over (
                partition by customer_id order by opened_at desc, source asc, ticket_id desc
            ) as place
        from {{ source('ml', 'ticket_texts') }}
        where customer_id is not null
    ) as ordered
    where place = 1

),

recommendations as (

    select
        customer_id,
        product_id,
        title,
        reason
    from {{ ref('act_recommendations') }}
    where rank = 1

),

predictions as (

    select
        customer_id,
        creative_id,
        click_probability
    from {{ source('ml', 'click_predictions') }}
    where customer_id is not null

),

likeliest as (

    select
        customer_id,
        {{ average('cast(click_probability as decimal(18, 12))') }} as average_click_probability,
        max(click_probability) as best_click_probability
    from predictions
    group by customer_id

),

-- Of creatives that are as likely the first by name, a showing without one before all.
clicks as (

    select
        likeliest.customer_id,
        likeliest.average_click_probability,
        likeliest.best_click_probability,
        case when count(*) = count(predictions.creative_id) then min(predictions.creative_id) end as best_creative_id
    from likeliest
    inner join predictions
        on
            likeliest.customer_id = predictions.customer_id
            and likeliest.best_click_probability = predictions.click_probability
    group by likeliest.customer_id, likeliest.average_click_probability, likeliest.best_click_probability

),

customer_values as (

    select * from {{ source('ml', 'customer_value') }}

),

purchases as (

    select
        customer_id,
        purchase_probability
    from {{ source('ml', 'purchase_predictions') }}

),

traits as (

    select
        customer_id,
        max(case when trait = 'gender' and not is_known then value end) as gender_inferred,
        max(case when trait = 'gender' then probability end) as gender_probability,
        max(case when trait = 'gender' then basis end) as gender_basis,
        max(case when trait = 'gender' then reason end) as gender_reason,
        max(case when trait = 'spending_power' then value end) as expected_spending_power,
        max(case when trait = 'spending_power' then probability end) as expected_spending_power_probability,
        max(case when trait = 'spending_power' then reason end) as expected_spending_power_reason
    from {{ source('ml', 'customer_traits') }}
    group by customer_id

),

-- What is usual among all buyers stands in where a customer has too little history of their own.
usual as (

    select
        coalesce(percentile(median_gap_days, 0.5), 90) as gap_days,
        {{ ratio('sum(margin_amount)', 'sum(case when margin_amount is not null then net_monetary_amount end)') }}
            as margin_rate
    from rfm

),

-- Own gaps between purchase days weigh as many as there are, the usual gap weighs like two more.
outlook as (

    select
        rfm.customer_id,
        (coalesce(rfm.average_gap_days * (rfm.order_day_count - 1), 0) + 2 * usual.gap_days)
        / (rfm.order_day_count + 1) as expected_gap_days,
        greatest(coalesce(rfm.margin_rate, usual.margin_rate, 1), 0) as expected_margin_rate,
        365 * rfm.frequency / greatest(rfm.tenure_days, 90) as yearly_order_rate
    from rfm
    cross join usual

),

scored as (

    select
        rfm.*,
        outlook.expected_gap_days,
        outlook.yearly_order_rate,
        1 - power(0.5, rfm.recency_days / (2 * greatest(outlook.expected_gap_days, 1))) as churn_probability,
        cast(
            coalesce(
                customer_values.expected_value_365d_amount,
                outlook.yearly_order_rate
                * {{ ratio('rfm.net_monetary_amount', 'rfm.frequency') }}
                * power(0.5, rfm.recency_days / (2 * greatest(outlook.expected_gap_days, 1)))
            ) * outlook.expected_margin_rate
            as decimal(18, 2)
        ) as clv_amount,
        customer_values.expected_order_count_90d,
        customer_values.order_count_90d_low,
        customer_values.order_count_90d_high,
        cast(customer_values.expected_value_90d_low_amount as decimal(18, 2)) as expected_value_90d_low_amount,
        cast(customer_values.expected_value_90d_high_amount as decimal(18, 2)) as expected_value_90d_high_amount,
        cast(customer_values.expected_value_90d_amount as decimal(18, 2)) as expected_value_90d_amount,
        customer_values.alive_probability,
        {{ say_by(
            'cast(cast(sign(customer_values.reason_effect) as int) as string)',
            value_reasons(),
            {'fact': say_by(
                "concat(customer_values.reason_feature, if(customer_values.reason_value is null, ' none', ''))",
                value_facts(),
                {
                    'count': count_text('customer_values.reason_value'),
                    'ago': days_ago_text('customer_values.reason_value'),
                    'amount': amount_text(
                        'customer_values.reason_value',
                        'if(rfm.has_mixed_currencies, null, rfm.currency)'
                    ),
                }
            )}
        ) }} as value_reason
    from rfm
    inner join outlook on rfm.customer_id = outlook.customer_id
    left join customer_values on rfm.customer_id = customer_values.customer_id

),

final as (

    select
        ---------- ids
        behaviour.customer_id,

        ---------- who: contact and address
        profiles.source,
        profiles.full_name,
        profiles.email,
        profiles.phone,
        coalesce(profiles.is_email_valid, false) as has_valid_email,
        coalesce(profiles.is_phone_valid, false) as has_valid_phone,
        coalesce(profiles.has_id_card, false) as has_id_card,
        profiles.language,
        profiles.address,
        profiles.city,
        profiles.region,
        profiles.country,
        profiles.latitude,
        profiles.longitude,

        ---------- who: demographics
        profiles.gender,
        case when profiles.gender is null then traits.gender_inferred end as gender_inferred,
        traits.gender_probability,
        traits.gender_basis,
        traits.gender_reason,
        year({{ run_day() }}) - profiles.birth_year as age_years,
        profiles.is_birth_year_imputed as is_age_imputed,
        profiles.attributes,

        ---------- relation
        behaviour.is_registered,
        to_date(profiles.registered_at) as registered_on,
        cast(datediff({{ run_day() }}, profiles.registered_at) as int) as days_since_registration,
        case
            when scored.customer_id is null and behaviour.last_active_on is null then 'silent'
            when scored.customer_id is null then 'prospect'
            when coalesce(churn.churn_probability, scored.churn_probability) >= 0.75 then 'lapsed'
            when scored.is_repeat_buyer then 'repeat buyer'
            else 'one-time buyer'
        end as lifecycle_stage,

        ---------- membership now
        coalesce(
            memberships.expires_on is null or memberships.expires_on >= {{ run_day() }}, true
        ) and memberships.customer_id is not null as is_member,
        memberships.tier as membership_tier,
        memberships.first_started_on as member_since_on,
        memberships.expires_on as membership_expires_on,
        cast(memberships.points as double) as membership_points,

        ---------- consent to marketing
        coalesce(size(consents.consented_channels) > 0, false) as has_marketing_consent,
        coalesce(array_contains(consents.consented_channels, 'email'), false) as has_email_consent,
        coalesce(array_contains(consents.consented_channels, 'sms'), false) as has_sms_consent,
        coalesce(array_contains(consents.consented_channels, 'push'), false) as has_push_consent,
        coalesce(
            array_contains(consents.contact_channels, 'email') and profiles.is_email_valid, false
        ) as is_reachable_by_email,
        coalesce(
            array_contains(consents.contact_channels, 'sms') and profiles.is_phone_valid, false
        ) as is_reachable_by_sms,
        coalesce(consents.is_contactable, false) as is_contactable,
        coalesce(consents.is_suppressed, false) as is_suppressed,
        coalesce(consents.is_consent_assumed, false) as is_consent_assumed,
        consents.consent_changed_at,

        ---------- recency, frequency, monetary
        scored.recency_days,
        coalesce(scored.frequency, 0) as frequency,
        coalesce(scored.monetary_amount, cast(0 as decimal(18, 2))) as monetary_amount,
        scored.currency,
        scored.r_score,
        scored.f_score,
        scored.m_score,
        scored.rfm_score,
        scored.average_order_amount,
        scored.first_ordered_on,
        scored.last_ordered_on,
        scored.tenure_days,
        scored.average_gap_days,
        scored.discount_rate,
        scored.return_rate,
        scored.margin_amount,
        coalesce(scored.is_repeat_buyer, false) as is_repeat_buyer,

        ---------- segment and outlook
        segments.segment_id,
        segments.segment_name,
        segments.action as segment_action,
        coalesce(scored.clv_amount, cast(0 as decimal(18, 2))) as clv_amount,
        coalesce(churn.churn_probability, scored.churn_probability) as churn_probability,
        churn.churn_probability_low,
        churn.churn_probability_high,
        scored.expected_gap_days,
        scored.yearly_order_rate,
        scored.expected_order_count_90d,
        scored.order_count_90d_low,
        scored.order_count_90d_high,
        scored.expected_value_90d_amount,
        scored.expected_value_90d_low_amount,
        scored.expected_value_90d_high_amount,
        scored.alive_probability,
        traits.expected_spending_power,
        traits.expected_spending_power_probability,
        traits.expected_spending_power_reason,
        scored.value_reason,

        ---------- behaviour
        behaviour.view_count_30d,
        behaviour.search_count_30d,
        behaviour.cart_count_30d,
        behaviour.purchase_count_30d,
        behaviour.session_count_30d,
        behaviour.active_day_count_30d,
        behaviour.spend_30d_amount,
        behaviour.spend_90d_amount,
        behaviour.last_active_on,
        behaviour.days_since_last_activity,
        behaviour.has_abandoned_cart_7d,
        behaviour.abandoned_cart_7d_amount,
        behaviour.abandoned_product_ids,

        ---------- tastes and habits
        behaviour.top_category,
        behaviour.top_categories,
        behaviour.top_brands,
        behaviour.last_categories,
        coalesce(tags.top_tags, array()) as top_tags,
        behaviour.spending_power,
        behaviour.spending_power_rate,
        behaviour.preferred_hour,
        behaviour.preferred_weekday,
        behaviour.preferred_channel,
        behaviour.preferred_device_type,

        ---------- ads, messages, service
        behaviour.impression_count,
        behaviour.click_count,
        behaviour.click_rate,
        clicks.average_click_probability,
        clicks.best_creative_id,
        clicks.best_click_probability,
        behaviour.send_count_90d,
        behaviour.send_open_rate_90d,
        behaviour.ticket_count,
        behaviour.open_ticket_count,
        behaviour.average_satisfaction,
        last_tickets.sentiment_label as last_ticket_sentiment,
        last_tickets.topic as last_ticket_topic,
        {{ say_by(
            "case when last_tickets.reason_effect > 0 then 'praise' when last_tickets.reason_effect < 0 then 'complaint' end",
            ticket_reasons(), {'words': 'last_tickets.reason_feature'}
        ) }} as last_ticket_reason,
        last_touch.touched_at as last_touch_at,
        last_touch.kind as last_touch_channel,
        last_touch.campaign_id as last_touch_campaign_id,

        ---------- next best offer
        recommendations.product_id as recommended_product_id,
        recommendations.title as recommended_title,
        recommendations.reason as recommendation_reason,

        ---------- next purchase
        purchases.purchase_probability,

        ---------- times
        behaviour.as_of_on
    from people
    left join memberships on people.customer_id = memberships.customer_id
    left join consents on people.customer_id = consents.customer_id
    left join segments on people.customer_id = segments.customer_id
    left join churn on people.customer_id = churn.customer_id
    left join recommendations on people.customer_id = recommendations.customer_id
    left join clicks on people.customer_id = clicks.customer_id
    left join traits on people.customer_id = traits.customer_id
    left join last_touch on people.customer_id = last_touch.customer_id
    left join purchases on people.customer_id = purchases.customer_id
    left join scored on people.customer_id = scored.customer_id
    inner join behaviour on people.customer_id = behaviour.customer_id
    left join last_tickets on people.customer_id = last_tickets.customer_id
    left join tags on people.customer_id = tags.customer_id
    left join profiles on people.customer_id = profiles.customer_id

)

select * from final
