{#
  Lines that were sold, of all that are there: those that `outlier_bounds` measures. In an increment the lines there are
  already come from silver, by name: silver.order_lines reads these bounds.
#}
{% macro sold_lines(read) %}
    {%- set stored = upstream('silver', 'order_lines') -%}
    with

    fresh as (

        {{ without_copies('order_lines', only=read) }}

    ),

    lines as (

        select
            source,
            product_id,
            quantity,
            unit_price,
            is_cancelled
        from fresh
        {%- if increment() is not none %}

        union all

        select
            stored.source,
            stored.product_id,
            stored.quantity,
            stored.unit_price,
            stored.is_cancelled
        from {{ stored }} as stored
        left anti join fresh
            on
                stored.source = fresh.source and stored._identity = fresh._identity
                and not ({{ is_keyless('order_lines', 'stored') }})
        {%- endif %}

    )

    select
        source,
        product_id,
        quantity,
        unit_price
    from lines
    where
        quantity > 0
        and unit_price > 0
        and not coalesce(is_cancelled, false)
{% endmacro %}
