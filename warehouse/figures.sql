-- One row per metric, measure, period and dimension: the generic step from population to figure.
create temp table unit as
select
    p.metric, p.measure, p.period_start, p.source, p.service, p.is_in, p.is_met, p.amount, p.numerator_amount,
    p.denominator_amount
from metrics.population p;
create table metrics.value as
with scope as (
    select 'all' as dimension, '' as dimension_value
    union all
    select distinct 'source' as dimension, source as dimension_value from audit.sync_run
    union all
    select distinct 'service' as dimension, service as dimension_value from metrics.ticket where service is not null
    union all
    select distinct 'service' as dimension, name as dimension_value from canonical.service where name is not null
),
place as (
    select distinct d.metric, d.measure, p.period_start, p.grain, p.is_complete, s.dimension, s.dimension_value
    from metrics.definition d, metrics.period p, scope s
),
placed as (
    select u.metric, u.measure, u.period_start, 'all' as dimension, '' as dimension_value, u.is_in, u.is_met, u.amount,
        u.numerator_amount, u.denominator_amount
    from unit u
    union all
    select u.metric, u.measure, u.period_start, 'source' as dimension, u.source as dimension_value, u.is_in, u.is_met,
        u.amount, u.numerator_amount, u.denominator_amount
    from unit u
    where u.source is not null
    union all
    select u.metric, u.measure, u.period_start, 'service' as dimension, u.service as dimension_value, u.is_in, u.is_met,
        u.amount, u.numerator_amount, u.denominator_amount
    from unit u
    where u.service is not null
),
counted as (
    select
        metric, measure, period_start, dimension, dimension_value,
        count(case when is_in then 1 end) as units,
        count(case when is_in and is_met then 1 end) as met,
        sum(case when is_in then amount end) as total,
        avg(case when is_in then amount end) as mean,
        quantile_cont(case when is_in then amount end, 0.5) as median,
        quantile_cont(case when is_in then amount end, 0.9) as p90,
        sum(case when is_in then numerator_amount end) as numerator_total,
        sum(case when is_in then denominator_amount end) as denominator_total
    from placed
    group by metric, measure, period_start, dimension, dimension_value
),
known as (
    select distinct metric, dimension, dimension_value from placed
),
figure as (
    select
        l.metric, l.measure, l.period_start, l.grain, l.is_complete, l.dimension, l.dimension_value, d.unit, d.aggregate,
        d.direction, d.definition_sha256, t.target, coalesce(c.units, 0) as n,
        case
            when d.aggregate = 'ratio_of_sums' then c.numerator_total
            when d.aggregate in ('ratio', 'count') then cast(coalesce(c.met, 0) as double)
            when d.aggregate = 'sum' then coalesce(c.total, 0.0)
        end as numerator,
        case
            when d.aggregate = 'ratio_of_sums' then c.denominator_total
            when d.aggregate in ('ratio', 'count') then cast(coalesce(c.units, 0) as double)
            when d.aggregate = 'sum' then null
        end as denominator,
        case d.aggregate when 'mean' then c.mean when 'median' then c.median when 'p90' then c.p90 end as statistic,
        k.metric is not null as is_known
    from place l
    join metrics.definition d on d.metric = l.metric and d.measure = l.measure
    left join metrics.target t on t.metric = l.metric and t.measure = l.measure
    left join counted c on c.metric = l.metric and c.measure = l.measure and c.period_start = l.period_start
        and c.dimension = l.dimension and c.dimension_value = l.dimension_value
    left join known k on k.metric = l.metric and k.dimension = l.dimension and k.dimension_value = l.dimension_value
),
valued as (
    select
        metric, measure, period_start, grain, is_complete, dimension, dimension_value, numerator, denominator, n, unit,
        aggregate, direction, target, is_known, definition_sha256,
        case
            when not is_known then null
            when aggregate in ('count', 'sum') then numerator
            when aggregate in ('ratio', 'ratio_of_sums') and denominator > 0
                then (case when unit = '%' then 100.0 else 1.0 end) * numerator / denominator
            when aggregate in ('ratio', 'ratio_of_sums') then null
            else statistic
        end as value
    from figure
)
select
    v.metric, v.measure, v.period_start, v.grain, v.dimension, v.dimension_value, v.numerator, v.denominator, v.n,
    v.value, v.unit, v.target,
    case
        when v.value is null then 'no_data'
        when v.target is null or v.direction = 'neutral' then 'no_target'
        when v.direction = 'up' and v.value >= v.target then 'met'
        when v.direction = 'down' and v.value <= v.target then 'met'
        else 'missed'
    end as status,
    nullif(concat_ws('; ',
        case
            when not v.is_known then 'no record of this kind was ever read'
            when v.value is null then 'no unit in the period'
            when v.unit = '%' and v.n < cast(small.value as integer) then 'n = ' || v.n || ': too few for a percentage alone'
        end,
        case when not v.is_complete then 'the month is not over: provisional' end
    ), '') as reason,
    cast(moment.value as timestamptz) as as_of,
    v.definition_sha256
from valued v
join metrics.setting small on small.name = 'small_n'
join metrics.setting moment on moment.name = 'as_of';
drop table unit;
comment on table metrics.value is 'One row per metric, measure, period and dimension (all, source, service).';
