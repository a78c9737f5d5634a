{#
  From the source files to SQL. `ops.sources` says how each source's columns map to ours; these macros write it out
  as one select per source, so that the compiled model shows what was done to whose columns.
#}

{# Every source that brings `entity`: a list of {source, timezone, currency, key, columns, attributes, raw_columns, stale}. #}
{% macro mapped_sources(entity) %}
    {%- if not execute -%}
        {{- return([]) -}}
    {%- endif -%}
    {#- One query for all entities in a whole dbt run: `graph` is the one thing that the nodes of a run share. -#}
    {%- if 'lakehouse_sources' not in graph -%}
        {%- do graph.update({'lakehouse_sources': all_mapped_sources()}) -%}
    {%- endif -%}
    {{- return(graph['lakehouse_sources'].get(entity, [])) -}}
{% endmacro %}

{% macro all_mapped_sources() %}
    {%- set found = {} -%}
    {%- set rows = run_query(
        "select to_json(struct(entity, source, timezone, currency, key_columns, columns, attributes, raw_columns)) "
        ~ "from " ~ source('ops', 'sources') ~ " order by entity, source"
    ) -%}
    {%- set superseded = run_query(
        "select entity, source, batch_id from " ~ source('ops', 'loads')
        ~ " group by entity, source, batch_id having not max(is_current) order by batch_id"
    ) -%}
    {%- for row in rows -%}
        {%- set mapped = fromjson(row[0]) -%}
        {%- set stale = [] -%}
        {%- for batch in superseded if batch[0] == mapped['entity'] and batch[1] == mapped['source'] -%}
            {%- do stale.append(batch[2]) -%}
        {%- endfor -%}
        {%- do found.setdefault(mapped['entity'], []).append({
            'source': mapped['source'],
            'timezone': mapped.get('timezone') or 'UTC',
            'currency': mapped.get('currency'),
            'key': mapped.get('key_columns') or [],
            'columns': mapped.get('columns') or {},
            'attributes': mapped.get('attributes') or {},
            'raw_columns': mapped.get('raw_columns') or {},
            'stale': stale,
        }) -%}
    {%- endfor -%}
    {{- return(found) -}}
{% endmacro %}

{# Names of the sources that bring `entity`. #}
{% macro sources_with(entity) %}
    {{- return(mapped_sources(entity) | map(attribute='source') | list) -}}
{% endmacro %}

{# A Spark SQL text literal; null for none. #}
{% macro sql_text(value) %}
    {%- if value is none -%}
        {{- return('cast(null as string)') -}}
    {%- endif -%}
    {{- return("'" ~ (value | string).replace('\\', '\\\\').replace("'", "\\'") ~ "'") -}}
{% endmacro %}

{% macro quoted(name) %}
    {{- return('`' ~ name.replace('`', '``') ~ '`') -}}
{% endmacro %}

{# Trimmed text (also of no-break and ideographic spaces and byte order marks), null where nothing is left. #}
{% macro tidy(expression) %}
    {{- return("nullif(trim(both ' \\t\\r\\n\\u00a0\\u3000\\ufeff' from " ~ expression ~ "), '')") -}}
{% endmacro %}

{# `theirs` is a column of the source or an expression over its columns; the answer is text. #}
{% macro mapped_text(theirs, raw_columns) %}
    {%- if theirs in raw_columns -%}
        {{- return(quoted(theirs)) -}}
    {%- endif -%}
    {{- return('cast(' ~ theirs ~ ' as string)') -}}
{% endmacro %}

{#
  Rows of `entity` from every source, untyped: one text column per column of ours, `attributes`, `currency` and
  `timezone` of the source, the lineage, the raw record as JSON and, where the source has no key, its hash.
#}
{% macro source_rows(entity_name) %}
    {%- set spec = entity(entity_name) -%}
    {%- set bronze = source('bronze', entity_name) -%}
    {%- set _ = [source('ops', 'sources'), source('ops', 'loads')] -%}
    {%- set sources = mapped_sources(entity_name) -%}
    {%- for mapped in sources %}
    select
        {{ sql_text(mapped.source) }} as source,
        {%- for column in spec.columns %}
        {%- if column in mapped.columns %}
        {{ tidy(mapped_text(mapped.columns[column], mapped.raw_columns)) }} as {{ column }},
        {%- elif column in spec.get('made_key', {}) %}
        cast({{ spec.made_key[column] }} as string) as {{ column }},
        {%- else %}
        cast(null as string) as {{ column }},
        {%- endif %}
        {%- endfor %}
        {%- if spec.get('attributes') %}
        {{ attribute_map(mapped) }} as attributes,
        {%- endif %}
        {%- if spec.get('currency') %}
        {%- if 'currency' in mapped.columns %}
        {{ tidy(mapped_text(mapped.columns['currency'], mapped.raw_columns)) }} as currency,
        {%- else %}
        {{ sql_text(mapped.currency) }} as currency,
        {%- endif %}
        {%- endif %}
        {{ sql_text(mapped.timezone) }} as timezone,
        _file,
        _batch_id,
        _row_number,
        _loaded_at,
        _raw,
        {{ 'cast(null as bigint)' if is_keyed(spec, mapped) else 'xxhash64(_raw)' }} as _content_hash
    from (
        select
            {%- for name, stored in named_once(mapped.raw_columns).items() %}
            {{ quoted(stored) }}{{ '' if name == stored else ' as ' ~ quoted(name) }},
            {%- endfor %}
            _file,
            _batch_id,
            _row_number,
            _loaded_at,
            to_json(struct({% for stored in mapped.raw_columns.values() | unique %}{{ quoted(stored) }}{{ ', ' if not loop.last }}{% endfor %})) as _raw
        from {{ bronze }}
        where
            _source = {{ sql_text(mapped.source) }}
            {%- if mapped.stale %}
            and _batch_id not in ({% for batch in mapped.stale %}{{ sql_text(batch) }}{{ ', ' if not loop.last }}{% endfor %})
            {%- endif %}
    ) as raw_rows
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- else %}
    {#- No source brings this entity: the same columns, no rows. #}
    select
        _source as source,
        {%- for column in spec.columns %}
        cast(null as string) as {{ column }},
        {%- endfor %}
        {%- if spec.get('attributes') %}
        cast(null as map<string, string>) as attributes,
        {%- endif %}
        {%- if spec.get('currency') %}
        cast(null as string) as currency,
        {%- endif %}
        'UTC' as timezone,
        _file,
        _batch_id,
        _row_number,
        _loaded_at,
        cast(null as string) as _raw,
        cast(null as bigint) as _content_hash
    from {{ bronze }}
    where false
    {%- endfor %}
{% endmacro %}

{# A source's rows have an identity of their own: by its `key:`, or because the entity is a person or thing. #}
{% macro is_keyed(spec, mapped) %}
    {{- return(mapped.key | length > 0 or spec.get('identity', false)) -}}
{% endmacro %}

{% macro attribute_map(mapped) %}
    {%- set pairs = [] -%}
    {%- for name, theirs in mapped.attributes.items() -%}
        {%- do pairs.append(sql_text(name) ~ ', ' ~ tidy(mapped_text(theirs, mapped.raw_columns))) -%}
    {%- endfor -%}
    {{- return('cast(map(' ~ pairs | join(', ') ~ ') as map<string, string>)') -}}
{% endmacro %}

{# Raw names that differ only in case share a stored column; Spark must see the name once. #}
{% macro named_once(raw_columns) %}
    {%- set once = {} -%}
    {%- set seen = [] -%}
    {%- for name, stored in raw_columns.items() if name | lower not in seen -%}
        {%- do seen.append(name | lower) -%}
        {%- do once.update({name: stored}) -%}
    {%- endfor -%}
    {{- return(once) -}}
{% endmacro %}
