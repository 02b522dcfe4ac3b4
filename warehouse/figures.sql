-- One row per metric, measure, period and dimension: the generic step from population to figure.
create or replace temp table unit as
select
    p.metric, p.measure, p.period_start, p.source, p.service, p.is_in, p.is_met, p.amount, p.numerator_amount,
    p.denominator_amount
from metrics.population p;
create table metrics.value as
with offered as (
    select source, service from metrics.ticket where service is not null group by source, service
    union
    select source, name as service from canonical.service where name is not null
),
scope as (
    select 'all' as dimension, '' as dimension_value
    union all
    select 'source' as dimension, source as dimension_value
    from (
        select source from audit.sync_run
        union
        select source from metrics.reach
        union
        select source from unit
    ) as sources
    where source is not null
    union all
    select 'service' as dimension, service as dimension_value
    from offered
    group by service
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
        count(case when not is_in then 1 end) as left_out,
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
    select metric, dimension, dimension_value from placed
    union
    select metric, 'all' as dimension, '' as dimension_value from metrics.reach
    union
    select metric, 'source' as dimension, source as dimension_value from metrics.reach
    union
    select r.metric, 'service' as dimension, o.service as dimension_value
    from metrics.reach r
    join offered o on o.source = r.source
),
figure as (
    select
        l.metric, l.measure, l.period_start, l.grain, l.is_complete, l.dimension, l.dimension_value, d.unit, d.aggregate,
        d.direction, d.definition_sha256, t.target, coalesce(c.units, 0) as n,
        coalesce(c.left_out, 0) as left_out,
        case
            when d.aggregate = 'ratio_of_sums' then c.numerator_total
            when d.aggregate in ('ratio', 'count') then cast(coalesce(c.met, 0) as double)
            when d.aggregate = 'sum' then coalesce(c.total, 0.0)
            when d.aggregate = 'mean' then c.total
        end as numerator,
        case
            when d.aggregate = 'ratio_of_sums' then c.denominator_total
            when d.aggregate in ('ratio', 'count') then cast(coalesce(c.units, 0) as double)
            when d.aggregate = 'mean' then cast(c.units as double)
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
        metric, measure, period_start, grain, is_complete, dimension, dimension_value, numerator, denominator, n, left_out,
        unit, aggregate, direction, target, is_known, definition_sha256,
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
            when v.value is null and v.left_out > 0 then 'no unit in the period, ' || v.left_out || ' left out'
            when v.value is null then 'no unit in the period'
            when v.n >= cast(small.value as integer) then null
            when v.unit = '%' then 'n = ' || v.n || ': too few for a percentage alone'
            when v.aggregate in ('mean', 'median', 'p90') then 'n = ' || v.n || ': too few for a ' || v.aggregate || ' alone'
        end,
        case when not v.is_complete then 'the month is not over: provisional' end
    ), '') as reason,
    cast(moment.value as timestamptz) as as_of,
    v.definition_sha256
from valued v
join metrics.setting small on small.name = 'small_n'
join metrics.setting moment on moment.name = 'as_of';
drop table unit;
comment on table metrics.value is
    'One row per metric, measure, period and dimension (all, source, service): the figures. No data is null with a reason.';
comment on column metrics.value.metric is 'metrics.definition';
comment on column metrics.value.measure is 'value, or the name of one of several figures';
comment on column metrics.value.period_start is 'First day of the period in the report time zone: metrics.period';
comment on column metrics.value.grain is 'month';
comment on column metrics.value.dimension is 'all, source or service';
comment on column metrics.value.dimension_value is 'Name of the source or service; empty for all';
comment on column metrics.value.numerator is 'Units met, or a sum; null for a median or ninth decile';
comment on column metrics.value.denominator is 'Units in, or a sum; null for a median or ninth decile';
comment on column metrics.value.n is 'Units in: rows of metrics.population with is_in';
comment on column metrics.value.value is 'The figure in its unit; percentages run from 0 to 100; null when there is no data';
comment on column metrics.value.unit is '%, count, hours, ratio';
comment on column metrics.value.target is 'metrics.target; null when none is set';
comment on column metrics.value.status is 'met, missed, watch, no_target or no_data';
comment on column metrics.value.reason is 'Why there is no figure, or what to know of it: small n, a month that is not over';
comment on column metrics.value.as_of is 'The moment that the figure speaks of';
comment on column metrics.value.definition_sha256 is 'SHA-256 of the metric''s file';
comment on table metrics.setting is 'One row per setting that the metrics read: as_of, time_zone, small_n, observation_days, ...';
comment on table metrics.target is 'One row per metric and measure with a target: the configured one, else the shipped one.';
comment on table metrics.definition is 'One row per metric and measure: the header of its file, its SQL and its SHA-256.';
comment on view metrics.reach is
    'One row per metric and source that ever delivered a record of the kind that the metric counts.';
comment on view metrics.population is
    'One row per counted unit, metric, measure and period. The figures of a record: where record_id = ...; the records of a figure: where metric = ... and measure = ... and period_start = ...';
