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
comment on column metrics.period.period_start is 'First day in the report time zone';
comment on column metrics.period.grain is 'month';
comment on column metrics.period.start_at is 'First instant, included';
comment on column metrics.period.end_at is 'Instant at which it is over, not included; the moment of the figures for the running month';
comment on column metrics.period.is_complete is 'Whether the whole month lies before the moment of the figures';
