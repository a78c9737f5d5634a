{%- set policy = contact_policy() -%}
{%- set is_assumed = consent_is_assumed() -%}
{%- set people, sends = ref('feat_customer_behaviour'), ref('stg_sends') -%}  {# so that dbt sees them #}
with

channels as (

    select explode({{ contact_channels() }}) as channel

    union distinct

    select lower(trim(channel)) as channel
    from {{ ref('stg_consents') }}
    where lower(trim(channel)) not in ('', 'all')

),

-- Every word on marketing. The larger one is the last: the later, and of two at the same time the refusal.
words as (

    select
        customer_id,
        coalesce(nullif(lower(trim(channel)), ''), 'all') as channel,
        changed_at,
        2 * unix_micros(changed_at) + if(coalesce(is_granted, false), 0, 1) as word
    from {{ ref('stg_consents') }}
    where coalesce(nullif(lower(trim(purpose)), ''), 'all') in ('marketing', 'all')

),

-- A word on all channels is a word on each.
words_by_channel as (

    select
        customer_id,
        channel,
        changed_at,
        word
    from words
    where channel <> 'all'

    union all

    select
        words.customer_id,
        channels.channel,
        words.changed_at,
        words.word
    from words
    cross join channels
    where words.channel = 'all'

),

-- What counts is the last word by the run's day; a later refusal that is known already counts as well, for the day of
-- the data may lie behind the day on which somebody is written to.
last_words as (  -- noqa: ST03

    select
        customer_id,
        channel,
        max(case when to_date(changed_at) <= {{ run_day() }} then changed_at end) as changed_at,
        coalesce(
            pmod(max(case when to_date(changed_at) <= {{ run_day() }} then word end), 2) = 0 and pmod(max(word), 2) = 0,
            false
        ) as is_granted
    from words_by_channel
    group by customer_id, channel

),

told as (

    {% if is_assumed %}
    select
        people.customer_id,
        channels.channel,
        cast(null as timestamp) as changed_at,
        true as is_granted
    from {{ people }} as people
    cross join channels
    {% else %}
    select * from last_words
    {% endif %}

),

{% if policy.cap_count is not none -%}
-- Who has had as many messages as the cap allows.
capped as (

    select
        customer_id,
        lower(trim(channel)) as channel
    from {{ sends }}
    where
        customer_id is not null
        and to_date(sent_at) > date_sub({{ run_day() }}, {{ policy.cap_days }})
        and to_date(sent_at) <= {{ run_day() }}
    group by customer_id, lower(trim(channel))
    having count(*) >= {{ policy.cap_count }}

),

{% endif -%}
-- Who is on a list of those not to contact, or whose data may be kept only (`lakehouse subject restrict`).
suppressed as (

    select customer_id from {{ ref('stg_suppressions') }}

    union distinct

    select customer_id from {{ source('ops', 'restrictions') }}

),

permitted as (

    select
        told.customer_id,
        told.changed_at,
        told.channel,
        told.is_granted,
        told.is_granted and suppressed.customer_id is null
        {%- if policy.cap_count is not none %} and capped.customer_id is null{% endif %} as is_permitted,
        suppressed.customer_id is not null as is_suppressed
    from told
    left join suppressed on told.customer_id = suppressed.customer_id
    {% if policy.cap_count is not none -%}
    left join capped on told.customer_id = capped.customer_id and told.channel = capped.channel
    {% endif %}

),

final as (

    select
        ---------- ids
        customer_id,

        ---------- on which channels
        array_sort(collect_list(case when is_granted then channel end)) as consented_channels,
        array_sort(collect_list(case when is_permitted then channel end)) as contact_channels,

        ---------- flags
        bool_or(is_permitted) as is_contactable,
        bool_or(is_suppressed) as is_suppressed,
        {{ 'true' if is_assumed else 'false' }} as is_consent_assumed,

        ---------- times
        max(changed_at) as consent_changed_at,
        {{ run_day() }} as as_of_on
    from permitted
    group by customer_id

)

select * from final
