-- One row per SLA clock running at the end of the period, and measure.
-- id: SLM-04
-- title: Open breached SLA clocks
-- definition: SLA clocks that were running at the end of the month and had breached by then: how many, and their share of all that were running.
-- clauses: 8.3.3
-- area: A1
-- direction: down
-- attribution: state at the end of the period
-- exclusions: clocks of another type than SLA, shown; clocks stopped or cancelled before the end
-- pitfalls: a paused clock that has breached counts too; a clock cancelled after the end still counts; amount is the hours since the breach
-- counts: sla_instance
-- measure: count | count | count | 0
-- measure: percent | ratio | % |
with measure as (
    select 'count' as measure
    union all
    select 'percent' as measure
)
select
    m.measure,
    p.period_start,
    d.sla_instance_id as record_id,
    d.evidence_id,
    d.source,
    d.service,
    map(['target', 'priority', 'ticket'], [d.target, d.priority, d.record_id]) as dimensions,
    d.type = 'sla' as is_in,
    coalesce(d.breached_at < p.end_at, false) as is_met,
    case when d.breached_at < p.end_at then (epoch(p.end_at) - epoch(d.breached_at)) / 3600.0 end as amount,
    cast(null as double) as numerator_amount,
    cast(null as double) as denominator_amount,
    case when d.type <> 'sla' then 'not an SLA: ' || d.type end as excluded_because
from metrics.sla_decision d
join metrics.period p
    on coalesce(d.attached_at, d.started_at) < p.end_at and (d.stopped_at is null or d.stopped_at >= p.end_at)
cross join measure m
where d.state not in ('cancelled', 'completed') or d.stopped_at is not null
