with

products as (

    select * from {{ ref('feat_product') }}

),

recommended as (

    select
        product_id,
        count(*) as recommended_customer_count,
        count_if(rank = 1) as recommended_first_count
    from {{ source('ml', 'recommendations') }}
    group by product_id

),

similar as (

    select
        product_id,
        transform(array_sort(collect_list(struct(rank, similar_product_id))), near -> near.similar_product_id)
            as similar_product_ids
    from {{ source('ml', 'item_similarity') }}
    where rank <= 5
    group by product_id

),

final as (

    select
        products.*,

        ---------- from the models
        coalesce(recommended.recommended_customer_count, 0) as recommended_customer_count,
        coalesce(recommended.recommended_first_count, 0) as recommended_first_count,
        coalesce(similar.similar_product_ids, cast(array() as array<string>)) as similar_product_ids
    from products
    left join recommended on products.product_id = recommended.product_id
    left join similar on products.product_id = similar.product_id

)

select * from final
