-- One row per incident resolved in the period, and measure.
-- id: INC-04
-- title: Time to resolve
-- definition: Hours by the clock from opening to the last resolution, of incidents resolved in the month: median, ninth decile and mean.
-- clauses: 8.6.1
-- area: A1
-- direction: down
-- attribution: last resolution in the period
-- exclusions: incidents cancelled, or not resolved at the snapshot; those closed without a time of resolution (by closing); children and duplicates; negative times; all shown
-- pitfalls: resolved is not closed; a reopened incident counts with its last resolution; percentiles interpolate linearly
-- counts: incident
-- measure: median | median | hours |
-- measure: p90 | p90 | hours |
-- measure: mean | mean | hours |
with measure as (
    select 'median' as measure
    union all
    select 'p90' as measure
    union all
    select 'mean' as measure
),
resolved as (
    select
        i.incident_id, i.evidence_id, i.source, i.service, i.priority,
        coalesce(i.resolved_at, i.closed_at) as attributed_at,
        (epoch(i.resolved_at) - epoch(i.opened_at)) / 3600.0 as hours,
        case
            when i.state = 'cancelled' then 'cancelled'
            when i.state not in ('resolved', 'closed') then 'reopened and not resolved again'
            when i.resolved_at is null then 'closed without a time of resolution'
            when i.parent_incident_id is not null then 'child or duplicate of another incident'
            when i.opened_at is null then 'no opening time'
            when i.resolved_at < i.opened_at then 'resolved before it was opened'
        end as excluded_because
    from canonical.incident i
    where i.resolved_at is not null or i.state = 'closed'
)
select
    m.measure,
    p.period_start,
    r.incident_id as record_id,
    r.evidence_id,
    r.source,
    r.service,
    map(['priority'], [r.priority]) as dimensions,
    r.excluded_because is null as is_in,
    true as is_met,
    r.hours as amount,
    cast(null as double) as numerator_amount,
    cast(null as double) as denominator_amount,
    r.excluded_because
from resolved r
join metrics.period p on r.attributed_at >= p.start_at and r.attributed_at < p.end_at
cross join measure m
