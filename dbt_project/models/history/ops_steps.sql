with

steps as (

    select * from {{ source('ops', 'runs') }}

),

numbered as (

    select
        run_id,
        step,
        state,
        started_at,
        ended_at,
        rows,
        as_of_on,
        row_number() over (partition by run_id order by started_at, step) as step_number,
        max(run_id) over () as newest_run_id
    from steps

),

final as (

    select
        ---------- keys
        run_id,
        cast(step_number as int) as step_number,

        ---------- what
        step,
        state,
        run_id = newest_run_id as is_newest_run,

        ---------- times
        started_at,
        ended_at,
        cast(started_at as date) as started_on,
        as_of_on,

        ---------- measures
        unix_timestamp(ended_at) - unix_timestamp(started_at) as duration_seconds,
        rows as row_count
    from numbered

)

select * from final
