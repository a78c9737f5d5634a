{#
  From the source files to SQL. `ops.sources` says how each source's columns map to ours; these macros write it out
  as one select per source, so that the compiled model shows what was done to whose columns.
#}

{# Every source that brings `entity`: a list of {source, timezone, currency, key, columns, attributes, raw_columns,
   batches, stale, row_count}. #}
{% macro mapped_sources(entity) %}
    {%- if not execute -%}
        {{- return([]) -}}
    {%- endif -%}
    {#- One query for all entities in a whole dbt run: `graph` is the one thing that the nodes of a run share. -#}
    {%- set once = 'lakehouse_sources ' ~ invocation_id -%}
    {%- if once not in graph -%}
        {%- do graph.update({once: all_mapped_sources()}) -%}
    {%- endif -%}
    {{- return(graph[once].get(entity, [])) -}}
{% endmacro %}

{% macro all_mapped_sources() %}
    {%- set found = {} -%}
    {%- set rows = run_query(
        "select to_json(struct(entity, source, timezone, currency, key_columns, columns, attributes, raw_columns)) "
        ~ "from " ~ source('ops', 'sources') ~ " order by entity, source"
    ) -%}
    {%- set batches = run_query(
        "select entity, source, batch_id, max(is_current), max(rows_landed) from " ~ source('ops', 'loads')
        ~ " group by entity, source, batch_id order by batch_id"
    ) -%}
    {%- for row in rows -%}
        {%- set mapped = fromjson(row[0]) -%}
        {%- set stale, current, counts = [], [], [] -%}
        {%- for batch in batches if batch[0] == mapped['entity'] and batch[1] == mapped['source'] -%}
            {%- if batch[3] -%}
                {%- do current.append(batch[2]) -%}
                {%- do counts.append(batch[4] | int) -%}
            {%- else -%}
                {%- do stale.append(batch[2]) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- do found.setdefault(mapped['entity'], []).append({
            'source': mapped['source'],
            'timezone': mapped.get('timezone') or 'UTC',
            'currency': mapped.get('currency'),
            'key': mapped.get('key_columns') or [],
            'columns': mapped.get('columns') or {},
            'attributes': mapped.get('attributes') or {},
            'raw_columns': mapped.get('raw_columns') or {},
            'batches': current,
            'stale': [] if var('all_batches', false) else stale,
            'row_count': counts | sum,
        }) -%}
    {%- endfor -%}
    {{- return(found) -}}
{% endmacro %}

{# Names of the sources that bring `entity`. #}
{% macro sources_with(entity) %}
    {{- return(mapped_sources(entity) | map(attribute='source') | list) -}}
{% endmacro %}

{# Every entity that some source brings; customers where there is no source at all. While dbt parses, all of them. #}
{% macro entities_brought() %}
    {%- set brought = [] -%}
    {%- for name in entity_names() if not execute or sources_with(name) -%}{%- do brought.append(name) -%}{%- endfor -%}
    {{- return(brought or ['customers']) -}}
{% endmacro %}

{# Those of them that this model has rows to read of: in an increment, where there are new batches. #}
{% macro entities_with_news() %}
    {%- set brought, news = entities_brought(), [] -%}
    {%- if increment() is none -%}
        {{- return(brought) -}}
    {%- endif -%}
    {%- for name in brought -%}
        {%- set batches = mapped_sources(name) | map(attribute='batches') | sum(start=[]) -%}
        {%- if batches | select('in', increment()) | list -%}{%- do news.append(name) -%}{%- endif -%}
    {%- endfor -%}
    {{- return(news or brought[:1]) -}}
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

{#
  Trimmed text, null where nothing is left. What people or office programs write is also freed of tabs, no-break and
  ideographic spaces and byte order marks; that takes as long as all other parsing, so logs are spared it.
#}
{% macro tidy(expression, is_logged=false) %}
    {%- if is_logged -%}
        {{- return('nullif(trim(' ~ expression ~ "), '')") -}}
    {%- endif -%}
    {{- return("nullif(trim(both ' \\t\\r\\n\\u00a0\\u3000\\ufeff' from " ~ expression ~ "), '')") -}}
{% endmacro %}

{# `theirs` is an expression over the stored columns of bronze, often one quoted name; the answer is text. #}
{% macro mapped_text(theirs) %}
    {%- if theirs.startswith('`') and theirs.endswith('`') and theirs.count('`') == 2 -%}
        {{- return(theirs) -}}
    {%- endif -%}
    {{- return('cast(' ~ theirs ~ ' as string)') -}}
{% endmacro %}

{#
  Rows of the entity from every source, untyped: one text column for each of `columns`, `attributes`, `currency` and
  `timezone` of the source, the lineage, the raw record as a list of texts and, where the source has no key, its hash.
#}
{% macro source_rows(entity_name, columns) %}
    {%- set spec = entity(entity_name) -%}
    {%- set bronze = source('bronze', entity_name) -%}
    {%- if not execute -%}
        {#- For the lineage only: what the text depends on is read by `mapped_sources`. -#}
        {%- set _ = [source('ops', 'sources'), source('ops', 'loads')] -%}
    {%- endif -%}
    {%- set sources = mapped_sources(entity_name) -%}
    {%- for mapped in sources %}
    select
        {{ sql_text(mapped.source) }} as source,
        {%- for column in columns %}
        {%- if column in mapped.columns %}
        {{ tidy(mapped_text(mapped.columns[column]), spec.get('logged', false)) }} as {{ column }},
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
        {{ tidy(mapped_text(mapped.columns['currency'])) }} as currency,
        {%- else %}
        {{ sql_text(mapped.currency) }} as currency,
        {%- endif %}
        {%- endif %}
        {{ sql_text(mapped.timezone) }} as timezone,
        _file,
        _batch_id,
        _row_number,
        _loaded_at,
        array({{ shown_columns(mapped) | join(', ') }}) as _raw,
        {{ 'cast(null as bigint)' if is_keyed(spec, mapped) else content_hash(mapped) }} as _content_hash
    from {{ bronze }}
    where
        _source = {{ sql_text(mapped.source) }}
        {%- if increment() is not none %}
        and _batch_id in ({{ batch_list(increment()) }})
        {%- elif mapped.stale %}
        and _batch_id not in ({% for batch in mapped.stale %}{{ sql_text(batch) }}{{ ', ' if not loop.last }}{% endfor %})
        {%- endif %}
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- else %}
    {#- No source brings this entity: the same columns, no rows. #}
    select
        _source as source,
        {%- for column in columns %}
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
        cast(null as array<string>) as _raw,
        cast(null as bigint) as _content_hash
    from {{ bronze }}
    where false
    {%- endfor %}
{% endmacro %}

{# Batches as SQL; where there is none, what no batch is called. #}
{% macro batch_list(batches) %}
    {%- set listed = [] -%}
    {%- for batch in batches -%}{%- do listed.append(sql_text(batch)) -%}{%- endfor -%}
    {{- return(listed | join(', ') if listed else "''") -}}
{% endmacro %}

{# A source's rows have an identity of their own: by its `key:`, or because the entity is a person or thing. #}
{% macro is_keyed(spec, mapped) %}
    {{- return(mapped.key | length > 0 or spec.get('identity', false)) -}}
{% endmacro %}

{% macro attribute_map(mapped) %}
    {%- set pairs = [] -%}
    {%- for name, theirs in mapped.attributes.items() -%}
        {%- do pairs.append(sql_text(name) ~ ', ' ~ tidy(mapped_text(theirs))) -%}
    {%- endfor -%}
    {{- return('cast(map(' ~ pairs | join(', ') ~ ') as map<string, string>)') -}}
{% endmacro %}

{% macro stored_columns(mapped) %}
    {%- set stored = [] -%}
    {%- for column in mapped.raw_columns.values() | unique -%}{%- do stored.append(quoted(column)) -%}{%- endfor -%}
    {{- return(stored) -}}
{% endmacro %}

{#
  The stored columns, with `***` for the values of those that silver must not show: what a hidden column of ours is made
  of, and what no column of ours is made of, for nobody has said what that is. Bronze has the record whole.
#}
{% macro shown_columns(mapped) %}
    {%- set hidden, open, shown = [], mapped.attributes.values() | list, [] -%}
    {%- for ours, theirs in mapped.columns.items() -%}
        {%- do (hidden if ours in hidden_columns() else open).append(theirs) -%}
    {%- endfor -%}
    {%- for column in mapped.raw_columns.values() | unique -%}
        {%- set name = '(?<!\\w)' ~ modules.re.escape(column) ~ '(?!\\w)' -%}
        {%- set is_shown = modules.re.search(name, open | join(' ')) and not modules.re.search(name, hidden | join(' ')) -%}
        {%- do shown.append(quoted(column) if is_shown else 'if(' ~ quoted(column) ~ " is null, null, '***')") -%}
    {%- endfor -%}
    {{- return(shown) -}}
{% endmacro %}

{# Equal for equal records. JSON, because a hash of columns skips nulls: (a, null) would equal (null, a). #}
{% macro content_hash(mapped) %}
    {{- return('xxhash64(to_json(struct(' ~ stored_columns(mapped) | join(', ') ~ ')))') -}}
{% endmacro %}

{# The record as a JSON object, from the `_raw` that source_rows gives: nothing in it says who somebody is. #}
{% macro raw_record(entity_name) %}
    {%- set cases = [] -%}
    {%- for mapped in mapped_sources(entity_name) -%}
        {%- set names = [] -%}
        {%- for column in mapped.raw_columns.values() | unique -%}{%- do names.append(sql_text(column)) -%}{%- endfor -%}
        {%- do cases.append(
            'when ' ~ sql_text(mapped.source) ~ ' then to_json(map_from_arrays(array(' ~ names | join(', ') ~ '), _raw))'
        ) -%}
    {%- endfor -%}
    {{- return('case source ' ~ cases | join(' ') ~ ' end' if cases else 'cast(null as string)') -}}
{% endmacro %}
