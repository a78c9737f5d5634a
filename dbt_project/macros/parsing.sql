{#
  Text to typed values. Each macro gives null where the text cannot be read, never an error; checked_rows.sql
  turns "there but not readable" into a quarantine reason. Spark's own cast reads the common form without a
  formatter, which is several times faster than one to_timestamp per format.
#}

{# The kinds that may be there and yet not be readable. #}
{% macro is_time(kind) %}{{- return(kind in ['timestamp', 'date']) -}}{% endmacro %}

{% macro is_number(kind) %}
    {{- return(kind.startswith('decimal') or kind in ['int', 'bigint', 'double']) -}}
{% endmacro %}

{# A tidy text column as a value of `kind`; time columns have been through `iso_text`. #}
{% macro typed_value(column, kind, zones) %}
    {%- if kind == 'timestamp' -%}
        {{- return(timestamp_of_iso(column, zones)) -}}
    {%- elif kind == 'date' -%}
        {{- return(date_of_iso(column)) -}}
    {%- elif is_number(kind) -%}
        {{- return(parse_number(column, kind)) -}}
    {%- elif kind == 'boolean' -%}
        {{- return(parse_boolean(column)) -}}
    {%- elif kind == 'gender' -%}
        {{- return(parse_gender(column)) -}}
    {%- endif -%}
    {{- return(column) -}}
{% endmacro %}

{# The SQL type of a kind. #}
{% macro type_of(kind) %}
    {{- return('string' if kind in ['text', 'gender'] else kind) -}}
{% endmacro %}

{#
  Times as text in Spark's own form, `yyyy-MM-dd HH:mm:ss[.f][zone]`, from: that form, ISO 8601, `yyyy/M/d H:mm`,
  `dd-MMM-yyyy HH:mm:ss`, dates alone, epoch seconds (10 digits) or milliseconds (13), `yyyyMMdd` (8) and
  `yyyyMMddHHmmss[SSS]` (14 or 17). Anything else is null.
#}
{% macro iso_text(column) %}
    {%- set c = column -%}
    case
                when substr({{ c }}, 5, 1) = '-' then {{ c }}
                when substr({{ c }}, 5, 1) = '/' then translate({{ c }}, '/', '-')
                when {{ c }} rlike '^[0-9]{1,2}-[A-Za-z]{3}-[0-9]{4}'
                    then regexp_replace({{ c }}, '^(..?)-(...)-(....)', concat('$3-', {{ month_number(c) }}, '-$1'))
                when {{ c }} rlike '^[0-9]{10}$' then concat(timestamp_seconds(cast({{ c }} as bigint)), 'Z')
                when {{ c }} rlike '^[0-9]{13}$' then concat(timestamp_millis(cast({{ c }} as bigint)), 'Z')
                when {{ c }} rlike '^[0-9]{8}$' then regexp_replace({{ c }}, '(....)(..)(..)', '$1-$2-$3')
                when {{ c }} rlike '^([0-9]{14}|[0-9]{17})$'
                    then regexp_replace(rpad({{ c }}, 17, '0'), '(....)(..)(..)(..)(..)(..)(...)', '$1-$2-$3 $4:$5:$6.$7')
            end
{%- endmacro %}

{# `Mar` of `05-Mar-2024` as a number; 0, which no date has, where it is no month. #}
{% macro month_number(column) %}
    {{- return(
        "(instr('janfebmaraprmayjunjulaugsepoctnovdec', lower(substr(split_part(" ~ column ~ ", '-', 2), 1, 3))) + 2) div 3"
    ) -}}
{% endmacro %}

{# A time that states its zone is taken at its word; any other is local time of the source's zone, one of `zones`. UTC. #}
{% macro timestamp_of_iso(column, zones) %}
    {%- set value = 'cast(' ~ column ~ ' as timestamp)' -%}
    {%- if zones == ['UTC'] -%}
        {{- return(value) -}}
    {%- endif -%}
    {%- set cases = [] -%}
    {%- for zone in zones -%}{%- do cases.append('when ' ~ sql_text(zone) ~ ' then ' ~ to_utc(value, zone)) -%}{%- endfor -%}
    {%- set local = to_utc(value, zones[0]) if zones | length == 1 else 'case timezone ' ~ cases | join(' ') ~ ' end' -%}
    {#- After the date's second dash only a zone has a sign or a letter other than T. -#}
    {{- return(
        'if(substr(' ~ column ~ ", 9) rlike '[A-SU-Z+-]', " ~ value ~ ', ' ~ local ~ ')'
    ) -}}
{% endmacro %}

{#
  A time from the clock of a zone to UTC, and back. The zone is a literal, for an expression is looked up for every row;
  one like `+08:00` is told as minutes, for not every engine knows it as a zone.
#}
{% macro to_utc(time, zone) %}
    {{- return(moved(time, -minutes_of(zone)) if zone[0] in '+-' else 'to_utc_timestamp(' ~ time ~ ', ' ~ sql_text(zone) ~ ')') -}}
{% endmacro %}

{% macro from_utc(time, zone) %}
    {{- return(moved(time, minutes_of(zone)) if zone[0] in '+-' else 'from_utc_timestamp(' ~ time ~ ', ' ~ sql_text(zone) ~ ')') -}}
{% endmacro %}

{% macro minutes_of(zone) %}
    {%- set minutes = (zone[1:3] | int) * 60 + (zone[4:6] | int) -%}
    {{- return(-minutes if zone[0] == '-' else minutes) -}}
{% endmacro %}

{% macro moved(time, minutes) %}
    {{- return('(' ~ time ~ (' - ' if minutes < 0 else ' + ') ~ 'interval ' ~ minutes | abs ~ ' minutes)') -}}
{% endmacro %}

{# The day as written: birthdays and due dates have no zone. #}
{% macro date_of_iso(column) %}
    {{- return('cast(split(' ~ column ~ ", '[ T]')[0] as date)") -}}
{% endmacro %}

{# `12`, `1,299.50`, `¥ 1,299.5`, `USD 12`, `-3`, `1.0E7`; `1,5` and `12 pieces` are no numbers. #}
{% macro parse_number(column, kind) %}
    {%- set exact = kind if kind.startswith('decimal') or kind == 'double' else 'decimal(24,4)' -%}
    {%- set plain = 'cast(' ~ column ~ ' as ' ~ exact ~ ')' -%}
    {%- set scientific = 'if(' ~ column ~ " rlike '^[-+]?[0-9.]+[eE][-+]?[0-9]+$', cast(cast(" ~ column ~ ' as double) as ' ~ exact ~ '), null)' -%}
    {%- set money = "cast(regexp_replace(" ~ column ~ ", '[^0-9.-]', '') as " ~ exact ~ ')' -%}
    {%- set looks_like_money = "'^-?(?:[A-Z]{3}|[$€£¥￥])?[ ]?-?[0-9]{1,3}(?:,?[0-9]{3})*(?:[.][0-9]+)?[ ]?(?:[A-Z]{3}|[$€£¥￥元])?$'" -%}
    {%- set number = 'coalesce(' ~ plain ~ ', ' ~ (scientific ~ ', ' if exact != 'double' else '') ~ 'if(' ~ column ~ ' rlike ' ~ looks_like_money ~ ', ' ~ money ~ ', null))' -%}
    {{- return(number if exact == kind else 'cast(' ~ number ~ ' as ' ~ kind ~ ')') -}}
{% endmacro %}

{% macro parse_boolean(column) %}
    {{- return(
        'case when lower(' ~ column ~ ") in ('true', 't', 'yes', 'y', '1', '1.0', '是') then true "
        ~ 'when lower(' ~ column ~ ") in ('false', 'f', 'no', 'n', '0', '0.0', '否') then false end"
    ) -}}
{% endmacro %}

{% macro parse_gender(column) %}
    {{- return(
        'case when lower(' ~ column ~ ") in ('f', 'female', 'w', 'woman', '女', '女性') then 'female' "
        ~ 'when lower(' ~ column ~ ") in ('m', 'male', 'man', '男', '男性') then 'male' end"
    ) -}}
{% endmacro %}
