-- One row per month from the first record to the moment that the figures speak of, half-open, in the report time zone.
create table metrics.period as
with setting as (
    select
        max(case when name = 'as_of' then cast(value as timestamptz) end) as as_of,
        max(case when name = 'time_zone' then value end) as time_zone
    from metrics.setting
),
first_record as (
    select min(opened_at) as opened_at
    from (
        select opened_at from canonical.incident
        union all
        select opened_at from canonical.problem
        union all
        select opened_at from canonical.change
    ) as opened
),
month as (
    select cast(unnest(generate_series(
        date_trunc('month', f.opened_at at time zone s.time_zone),
        date_trunc('month', s.as_of at time zone s.time_zone),
        interval 1 month
    )) as timestamp) as start_local
    from first_record f, setting s
    where f.opened_at <= s.as_of
)
select
    cast(m.start_local as date) as period_start,
    'month' as grain,
    m.start_local at time zone s.time_zone as start_at,
    least((m.start_local + interval 1 month) at time zone s.time_zone, s.as_of) as end_at,
    (m.start_local + interval 1 month) at time zone s.time_zone <= s.as_of as is_complete
from month m, setting s
order by period_start;
comment on table metrics.period is 'One row per month, half-open, in the report time zone; the running month ends at as_of.';
