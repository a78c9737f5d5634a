{%- set double_surnames = [
    '欧阳', '太史', '端木', '上官', '司马', '东方', '独孤', '南宫', '万俟', '闻人', '夏侯', '诸葛', '尉迟', '公羊', '赫连', '澹台',
    '皇甫', '宗政', '濮阳', '公冶', '太叔', '申屠', '公孙', '慕容', '仲孙', '钟离', '长孙', '宇文', '司徒', '鲜于', '司空', '令狐',
] | join('|') -%}
with

listed as (

    select
        source,
        customer_id,
        gender,
        lower(full_name) as name,
        regexp_replace(full_name, '[ 　·]', '') as name_without_gaps
    from {{ ref('stg_customers') }}
    where customer_id is not null and (registered_at is null or to_date(registered_at) <= {{ run_day() }})

),

-- What of a name may tell a gender: of a Chinese one what follows the family name, else the first of several words.
people as (

    select
        source,
        customer_id,
        gender,
        nullif(
            case
                when name_without_gaps rlike '^[㐀-鿿]{2,}$'
                    then regexp_extract(name_without_gaps, '^(?:{{ double_surnames }}|.)(.+)$', 1)
                else regexp_extract(name, '^ *([a-zß-ɏ]{2,}) [^,]*[a-zß-ɏ]', 1)
            end,
            ''
        ) as given_name
    from listed

),

-- Where several sources list a customer, the first source by name that says it.
final as (

    select
        ---------- ids
        customer_id,

        ---------- told by a source
        min_by(gender, case when gender is not null then source end) as gender,
        min_by(given_name, case when given_name is not null then source end) as given_name,

        ---------- times
        {{ run_day() }} as as_of_on
    from people
    group by customer_id

)

select * from final
