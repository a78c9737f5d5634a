with

recommendations as (

    select * from {{ source('ml', 'recommendations') }}

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

deeds as (

    select *
    from
        values
        ('bought', 'bought', 'bought it'),
        ('carted', 'put into the cart', 'put it into the cart'),
        ('rated', 'rated', 'rated it'),
        ('viewed', 'looked at', 'looked at it') as deeds (evidence_type, deed, deed_of_it)

),

final as (

    select
        ---------- ids
        recommendations.customer_id,
        recommendations.rank,
        recommendations.product_id,

        ---------- what it is
        coalesce(products.title, recommendations.product_id) as title,
        products.category,
        products.brand,
        products.unit_price,
        products.currency,

        ---------- why
        case
            when evidence.product_id = recommendations.product_id and recommendations.evidence_type = 'bought'
                then 'Because they bought it before and may need it again'
            when evidence.product_id = recommendations.product_id
                then concat('Because they ', deeds.deed_of_it, ' and have not bought it yet')
            when evidence.product_id is not null and deeds.deed is not null and recommendations.strategy = 'content'
                then concat('New, because they ', deeds.deed, ' ', evidence.title)
            when evidence.product_id is not null and deeds.deed is not null
                then concat('Because they ', deeds.deed, ' ', evidence.title)
            when recommendations.strategy = 'content' then 'New, and like what they know'
            when recommendations.strategy = 'segment' and segments.segment_name is not null
                then concat('Popular with customers of the segment ', segments.segment_name)
            when recommendations.strategy = 'segment' then 'Popular with customers who have not bought yet'
            when recommendations.strategy = 'popularity' then 'Popular with all customers'
            else 'Because customers with a similar history like it'
        end as reason,
        recommendations.strategy,
        recommendations.evidence_product_id,
        recommendations.evidence_type,

        ---------- how sure
        recommendations.score,
        recommendations.model_version
    from recommendations
    left join products on recommendations.product_id = products.product_id
    left join products as evidence on recommendations.evidence_product_id = evidence.product_id
    left join deeds on recommendations.evidence_type = deeds.evidence_type
    left join segments on recommendations.customer_id = segments.customer_id

)

select * from final
