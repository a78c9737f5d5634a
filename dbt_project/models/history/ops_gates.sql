with

verdicts as (

    select * from {{ source('ops', 'validations') }}

),

gates as (

    select
        run_id,
        layer,
        max(validated_at) as validated_at,
        size(collect_set(table_name)) as table_count,
        count(*) as rule_count,
        count_if(passed) as passed_count,
        count_if(not passed and severity = 'warn') as warning_count,
        count_if(not passed and severity = 'error') as error_count
    from verdicts
    group by run_id, layer

),

final as (

    select
        ---------- keys
        run_id,
        layer,

        ---------- times
        validated_at,
        cast(validated_at as date) as validated_on,

        ---------- counts
        cast(table_count as bigint) as table_count,
        rule_count,
        passed_count,
        warning_count,
        error_count,

        ---------- shares
        {{ ratio('passed_count', 'rule_count') }} as pass_rate
    from gates

)

select * from final
