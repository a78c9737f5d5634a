with

interactions as (

    select
        customer_id,
        product_id,
        view_count,
        view_count + cart_count + purchase_count + if(rating is null, 0, 1) as interaction_count
    from {{ ref('feat_interactions') }}

),

products as (

    select
        product_id,
        category,
        brand
    from {{ ref('feat_product') }}

),

-- Both kinds of tags are counted together before each is counted alone.
things as (

    select
        interactions.customer_id,
        products.category,
        products.brand,
        sum(interactions.view_count) as view_count,
        sum(interactions.interaction_count) as interaction_count
    from interactions
    inner join products on interactions.product_id = products.product_id
    group by interactions.customer_id, products.category, products.brand

),

counted as (

    select
        customer_id,
        'category' as tag_type,
        category as tag,
        sum(view_count) as view_count,
        sum(interaction_count) as interaction_count
    from things
    where category is not null and interaction_count > 0
    group by customer_id, category

    union all

    select
        customer_id,
        'brand' as tag_type,
        brand as tag,
        sum(view_count) as view_count,
        sum(interaction_count) as interaction_count
    from things
    where brand is not null and interaction_count > 0
    group by customer_id, brand

),

by_customer as (

    select
        customer_id,
        tag_type,
        sum(interaction_count) as all_tag_count
    from counted
    group by customer_id, tag_type

),

by_type as (

    select
        tag_type,
        count(*) as customer_count
    from by_customer
    group by tag_type

),

by_tag as (

    select
        tag_type,
        tag,
        count(*) as tag_customer_count
    from counted
    group by tag_type, tag

),

weighed as (

    select
        counted.customer_id,
        counted.tag_type,
        counted.tag,
        counted.view_count,
        counted.interaction_count,
        by_tag.tag_customer_count,
        by_type.customer_count,
        {{ term_frequency('counted.interaction_count', 'by_customer.all_tag_count') }} as term_frequency,
        {{ inverse_document_frequency('by_tag.tag_customer_count', 'by_type.customer_count') }}
            as inverse_document_frequency,
        {{ tf_idf(
            'counted.interaction_count', 'by_customer.all_tag_count', 'by_tag.tag_customer_count', 'by_type.customer_count'
        ) }} as weight
    from counted
    inner join by_customer
        on counted.customer_id = by_customer.customer_id and counted.tag_type = by_customer.tag_type
    inner join by_tag on counted.tag_type = by_tag.tag_type and counted.tag = by_tag.tag
    inner join by_type on counted.tag_type = by_type.tag_type

),

final as (

    select
        ---------- ids
        customer_id,
        tag_type,
        tag,

        ---------- counts
        cast(view_count as bigint) as view_count,
        cast(interaction_count as bigint) as interaction_count,
        tag_customer_count,
        customer_count,

        ---------- numbers
        term_frequency,
        inverse_document_frequency,
        weight,
        row_number() over (partition by customer_id order by weight desc, tag_type desc, tag asc) as rank,

        ---------- times
        {{ run_day() }} as as_of_on
    from weighed

)

select * from final
