{{ config(
    materialized='replaced',
    meta={'key': ['customer_id', 'tag_type', 'tag'], 'touched': {'customer_id': 'row.customer_id'}, 'is_remade': true}
) }}
{#- One tag's rarity is in all rows of it: all are written anew, from counts that only touched customers need anew. -#}
{%- do touch_keys(customers_with_changed_tags()) -%}
{%- set counted -%}
with

interactions as (

    select
        customer_id,
        product_id,
        view_count,
        view_count + cart_count + purchase_count + if(rating is null, 0, 1) as interaction_count
    from {{ ref('feat_interactions') }} as interactions
    {{ only_touched('interactions') }}

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

tagged as (

    select
        customer_id,
        view_count,
        interaction_count,
        stack(2, 'category', category, 'brand', brand) as (tag_type, tag)
    from things

)

select
    customer_id,
    tag_type,
    tag,
    cast(sum(view_count) as bigint) as view_count,
    cast(sum(interaction_count) as bigint) as interaction_count
from tagged
where tag is not null and interaction_count > 0
group by customer_id, tag_type, tag

{%- if is_increment() %}

union all

select
    stored.customer_id,
    stored.tag_type,
    stored.tag,
    stored.view_count,
    stored.interaction_count
from {{ this }} as stored
{{ without_touched('stored') }}
{%- endif %}
{%- endset %}
with

counted as (

    select * from {{ worked_out_once('counted', counted, landed_rows(['events', 'order_lines', 'ratings'])) }} as counts

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

rarities as (

    select
        by_tag.tag_type,
        by_tag.tag,
        by_tag.tag_customer_count,
        by_type.customer_count
    from by_tag
    inner join by_type on by_tag.tag_type = by_type.tag_type

),

weighed as (

    select
        counted.customer_id,
        counted.tag_type,
        counted.tag,
        counted.view_count,
        counted.interaction_count,
        rarities.tag_customer_count,
        rarities.customer_count,
        {{ term_frequency('counted.interaction_count', 'by_customer.all_tag_count') }} as term_frequency,
        {{ inverse_document_frequency('rarities.tag_customer_count', 'rarities.customer_count') }}
            as inverse_document_frequency,
        {{ tf_idf(
            'counted.interaction_count',
            'by_customer.all_tag_count',
            'rarities.tag_customer_count',
            'rarities.customer_count'
        ) }} as weight
    from counted
    inner join by_customer
        on counted.customer_id = by_customer.customer_id and counted.tag_type = by_customer.tag_type
    inner join rarities on counted.tag_type = rarities.tag_type and counted.tag = rarities.tag

),

final as (

    select
        ---------- ids
        customer_id,
        tag_type,
        tag,

        ---------- counts
        view_count,
        interaction_count,
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
