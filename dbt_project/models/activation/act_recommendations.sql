with

recommendations as (

    select * from {{ source('ml', 'recommendations') }}

),

contactable as (

    select customer_id from {{ ref('dim_consent') }} where is_contactable

),

segments as (

    select
        customer_id,
        segment_name
    from {{ source('ml', 'customer_segments') }}

),

products as (

    select
        product_id,
        coalesce(title, product_id) as title,
        category,
        brand,
        unit_price,
        currency
    from {{ ref('feat_product') }}

),

-- What speaks for the product, in one word.
argued as (

    select
        recommendations.*,
        evidence.title as evidence_title,
        segments.segment_name,
        case
            when evidence.product_id = recommendations.product_id then 'own'
            when evidence.product_id is not null and recommendations.strategy = 'content' then 'new, by evidence'
            when evidence.product_id is not null then 'evidence'
            when recommendations.strategy = 'content' then 'new'
            when recommendations.strategy = 'segment' and segments.segment_name is not null then 'segment'
            when recommendations.strategy = 'segment' then 'not bought yet'
            when recommendations.strategy = 'popularity' then 'popularity'
            else 'history'
        end as argument
    from recommendations
    inner join contactable on recommendations.customer_id = contactable.customer_id
    left join products as evidence on recommendations.evidence_product_id = evidence.product_id
    left join segments on recommendations.customer_id = segments.customer_id

),

final as (

    select
        ---------- ids
        argued.customer_id,
        argued.rank,
        argued.product_id,

        ---------- what it is
        coalesce(products.title, argued.product_id) as title,
        products.category,
        products.brand,
        products.unit_price,
        products.currency,

        ---------- why
        {{ say_by('argued.argument', recommend_reasons(), {
            'deed': say_by('argued.evidence_type', recommend_deeds(), {'title': 'argued.evidence_title'}),
            'own_deed': say_by('argued.evidence_type', recommend_own_deeds()),
            'segment': say_by('argued.segment_name', segment_names()),
        }) }} as reason,
        argued.strategy,
        argued.evidence_product_id,
        argued.evidence_type,

        ---------- how sure
        argued.score,
        argued.model_version
    from argued
    left join products on argued.product_id = products.product_id

)

select * from final
