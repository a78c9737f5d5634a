-- Rows here mean that the engine's tf-idf is not the stated one: 1 of 3 views of a tag that 10,001 of 100,000 customers
-- have weighs 0.7675, 3 of 3 of it 2.3025, and a tag that everybody has 0.
select
    cases.rule,
    cases.weight,
    cases.expected
from (
    select
        '1 of 3, 10001 of 100000' as rule,
        {{ tf_idf('1', '3', '10001', '100000') }} as weight,
        0.7675 as expected

    union all

    select
        '3 of 3, 10001 of 100000' as rule,
        {{ tf_idf('3', '3', '10001', '100000') }} as weight,
        2.3025 as expected

    union all

    select
        '2 of 3, 7 of 7' as rule,
        {{ tf_idf('2', '3', '7', '7') }} as weight,
        0 as expected
) as cases
where cases.weight is null or abs(cases.weight - cases.expected) > 0.00005
