with

kept as (

    {{ without_copies('products') }}

),

categorised as (

    select
        *,
        concat_ws(' > ', filter(transform(split(category, '>'), level -> trim(level)), level -> level != '')) as path,
        ---------- a price or cost below nothing is no price, and imputed like a missing one
        if(unit_price >= 0, unit_price, null) as stated_price,
        if(unit_cost >= 0, unit_cost, null) as stated_cost
    from kept

),

with_means as (

    select
        *,
        nullif(path, '') as category_path,
        coalesce({{ mean_of('stated_price', ['path']) }}, {{ mean_of('stated_price') }}) as mean_price,
        coalesce({{ mean_of('stated_cost', ['path']) }}, {{ mean_of('stated_cost') }}) as mean_cost
    from categorised

),

final as (

    select
        source,

        ---------- ids
        product_id,

        ---------- description
        title,
        brand,
        category_path,
        get(split(category_path, ' > '), 0) as category_level_1,
        get(split(category_path, ' > '), 1) as category_level_2,
        get(split(category_path, ' > '), 2) as category_level_3,

        ---------- money
        cast(coalesce(stated_price, mean_price) as decimal(18, 4)) as unit_price,
        stated_price is null and mean_price is not null as is_unit_price_imputed,
        cast(coalesce(stated_cost, mean_cost) as decimal(18, 4)) as unit_cost,
        stated_cost is null and mean_cost is not null as is_unit_cost_imputed,
        currency,

        ---------- times
        listed_at,

        ---------- whatever else the source keeps
        attributes,

        ---------- lineage
        {{ lineage() }}
    from with_means

)

select * from final
