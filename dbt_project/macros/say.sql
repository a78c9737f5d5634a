{#
  SQL of a sentence in the language of the home (setting `language`). The sentences themselves are declared in
  sentences/, a file per table, each in both languages side by side.

  A sentence is {'en': …, 'zh': …}. `{name}` stands for the SQL text of `values.name`; `{name:day|days}`, in English
  only, for the word that goes with its number.
#}
{% macro say(sentence, values={}) %}
    {%- set parts = [] -%}
    {%- for part in modules.re.split('(\{[^{}]*\})', sentence[var('language', 'en')]) if part -%}
        {%- if part[0] != '{' -%}
            {%- do parts.append(sql_text(part)) -%}
        {%- else -%}
            {%- set name, _, words = part[1:-1].partition(':') -%}
            {%- if name not in values -%}
                {%- do exceptions.raise_compiler_error('"' ~ sentence.en ~ '" needs ' ~ name) -%}
            {%- endif -%}
            {%- set one, _, many = words.partition('|') -%}
            {%- do parts.append(
                "if(" ~ values[name] ~ " = '1', " ~ sql_text(one) ~ ", " ~ sql_text(many) ~ ")" if words
                else values[name]
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return('concat(' ~ parts | join(', ') ~ ')' if parts | length > 1 else parts[0]) -}}
{% endmacro %}

{# One of several sentences, by a column that holds their keys; null for a key that none of them has. #}
{% macro say_by(key, sentences, values={}) %}
    {%- set cases = [] -%}
    {%- for name, sentence in sentences.items() -%}
        {%- do cases.append('when ' ~ sql_text(name) ~ ' then ' ~ say(sentence, values)) -%}
    {%- endfor -%}
    {{- return('case ' ~ key ~ ' ' ~ cases | join(' ') ~ ' end') -}}
{% endmacro %}

{# Numbers as text: 1,234 and 1,234.5 and 12.5% and 1,234.50. #}
{% macro count_text(value) -%}
    format_number(cast(round({{ value }}) as bigint), 0)
{%- endmacro %}

{# How many days ago: today, yesterday, 2 days ago. #}
{% macro days_ago_text(value) -%}
    {%- set count = count_text(value) -%}
    case {{ count }}
        when '0' then {{ say({'en': 'today', 'zh': '今天'}) }}
        when '1' then {{ say({'en': 'yesterday', 'zh': '昨天'}) }}
        else {{ say({'en': '{count} days ago', 'zh': '{count}天前'}, {'count': count}) }}
    end
{%- endmacro %}

{% macro number_text(value) -%}
    format_number(cast({{ value }} as decimal(18, 1)), 1)
{%- endmacro %}

{% macro percent_text(share) -%}
    concat(cast(cast(100 * {{ share }} as decimal(18, 1)) as string), '%')
{%- endmacro %}

{# With its currency where that is known and the same for all that was added up. #}
{% macro amount_text(value, currency='null') -%}
    concat(format_number(cast({{ value }} as decimal(18, 2)), 2), coalesce(concat(' ', {{ currency }}), ''))
{%- endmacro %}
