{#
  The masks in SQL, as silver made them before landing did: an implementation of its own, which those of
  lakehouse/privacy/masks.py are held against (test_masks.py). Each takes a column as `tidy` and the parsers leave it.
#}

{% macro tidy(expression, is_logged=false) %}
    {%- if is_logged -%}
        {{- return('nullif(trim(' ~ expression ~ "), '')") -}}
    {%- endif -%}
    {{- return("nullif(trim(both ' \\t\\r\\n\\u00a0\\u3000\\ufeff' from " ~ expression ~ "), '')") -}}
{% endmacro %}

{# `+8613800138000` for a Chinese mobile however written, `+<country><number>` where the country is stated, else null. #}
{% macro parse_phone(column) %}
    {%- set digits = 'regexp_replace(' ~ column ~ ", '[^0-9+]', '')" -%}
    {{- return(
        'case when ' ~ digits ~ " rlike '^(?:[+]?86|0086)?1[3-9][0-9]{9}$' then concat('+86', right(" ~ digits ~ ', 11)) '
        ~ 'when ' ~ digits ~ " rlike '^(?:[+]|00)[1-9][0-9]{6,14}$' then concat('+', regexp_replace("
        ~ digits ~ ", '^(?:[+]|00)', '')) end"
    ) -}}
{% endmacro %}

{# Lower case without blanks; null for what cannot be an address. #}
{% macro parse_email(column) %}
    {%- set address = 'replace(lower(' ~ column ~ "), ' ', '')" -%}
    {{- return(
        'if(' ~ address ~ " rlike '^[a-z0-9._%+-]+@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?[.])+[a-z]{2,}$', " ~ address ~ ', null)'
    ) -}}
{% endmacro %}

{# `+8613812345678` as `138****5678`, others as country code and last digits: `+44****0958`. #}
{% macro masked_phone(phone) %}
    {{- return(
        'case when ' ~ phone ~ " rlike '^[+]861[0-9]{10}$' then concat(substr(" ~ phone ~ ", 4, 3), '****', right(" ~ phone ~ ', 4)) '
        ~ 'when length(' ~ phone ~ ') >= 11 then concat(left(' ~ phone ~ ", 3), '****', right(" ~ phone ~ ', 4)) '
        ~ 'else concat(left(' ~ phone ~ ", 3), '****', right(" ~ phone ~ ', 2)) end'
    ) -}}
{% endmacro %}

{# `ann@example.com` as `a***@example.com`; of a name of one or two characters nothing: `***@example.com`. #}
{% macro masked_email(email) %}
    {%- set at = "instr(" ~ email ~ ", '@')" -%}
    {{- return(
        'concat(if(' ~ at ~ ' > 3, left(' ~ email ~ ", 1), ''), '***', substr(" ~ email ~ ', ' ~ at ~ '))'
    ) -}}
{% endmacro %}

{#
  The last character of a Chinese name (`王芳` as `**芳`), the first of another (`Émile Zola` as `É**`); of a name of one
  character nothing. The family name is what stays hidden, for silver has the given name beside (`given_name`).
#}
{% macro masked_name(name) %}
    {%- set whole = name_without_gaps(name) -%}
    {{- return(
        'case when length(' ~ whole ~ ") <= 1 then '**' when " ~ whole ~ " rlike '^[㐀-鿿]+$' then concat('**', right("
        ~ whole ~ ', 1)) else concat(left(' ~ whole ~ ", 1), '**') end"
    ) -}}
{% endmacro %}

{# Of a Chinese address the province, city and district that it begins with; null where it begins otherwise. #}
{% macro district_of(address) %}
    {%- set province = '(?:[一-鿿]{2,8}?(?:省|自治区|特别行政区))?' -%}
    {%- set city = '(?:[一-鿿]{2,10}?(?:市|自治州|地区|盟))?' -%}
    {#- Not what a house may be called: 小区, 社区, 园区, 校区, 住宅区, 工业区. -#}
    {%- set district = '(?:[一-鿿]{0,8}?[^小社园校宅业市区](?:区|县|[左右前后中]旗))?' -%}
    {{- return('nullif(regexp_extract(' ~ address ~ ", '^(" ~ province ~ city ~ district ~ ")', 1), '')") -}}
{% endmacro %}

{#
  What of a name may tell a gender: of a Chinese one what follows the family name, else the first of several words, in
  lower case; null where there is none.
#}
{% macro given_name(name) %}
    {%- set double_surnames = [
        '欧阳', '太史', '端木', '上官', '司马', '东方', '独孤', '南宫', '万俟', '闻人', '夏侯', '诸葛', '尉迟', '公羊', '赫连', '澹台',
        '皇甫', '宗政', '濮阳', '公冶', '太叔', '申屠', '公孙', '慕容', '仲孙', '钟离', '长孙', '宇文', '司徒', '鲜于', '司空', '令狐',
    ] | join('|') -%}
    {%- set whole = name_without_gaps(name) -%}
    {{- return(
        'nullif(case when ' ~ whole ~ " rlike '^[㐀-鿿]{2,}$' then regexp_extract(" ~ whole ~ ", '^(?:" ~ double_surnames
        ~ "|.)(.+)$', 1) else regexp_extract(lower(" ~ name ~ "), '^ *([a-zß-ɏ]{2,}) [^,]*[a-zß-ɏ]', 1) end, '')"
    ) -}}
{% endmacro %}

{% macro name_without_gaps(name) %}{{- return('regexp_replace(' ~ name ~ ", '[ 　·]', '')") -}}{% endmacro %}
