with

verdicts as (

    select * from {{ source('ops', 'validations') }}

),

newest as (

    select
        layer,
        table_name,
        max(validated_at) as validated_at
    from verdicts
    group by layer, table_name

),

final as (

    select
        ---------- keys
        verdicts.layer,
        verdicts.table_name,
        verdicts.rule,
        coalesce(verdicts.column_name, '') as column_name,

        ---------- what it says
        verdicts.severity,
        verdicts.owner_sentence,
        verdicts.passed as is_passed,

        ---------- counts
        verdicts.element_count as judged_count,
        verdicts.unexpected_count as failing_count,

        ---------- which run
        verdicts.run_id,
        verdicts.validated_at
    from verdicts
    inner join newest
        on
            verdicts.layer = newest.layer
            and verdicts.table_name = newest.table_name
            and verdicts.validated_at = newest.validated_at

)

select * from final
