-- One row per SLA clock stopped in the period.
-- id: SLM-02
-- title: SLA attainment (completed)
-- definition: Share of the SLA clocks stopped in the month that had not breached. This is what the tools' own dashboards show.
-- clauses: 8.3.3
-- area: A1
-- direction: up
-- attribution: stop in the period
-- exclusions: cancelled clocks; clocks of another type than SLA; both shown
-- pitfalls: leaves out what is breached and still open, so it is late when a service degrades: read it beside SLM-01 and SLM-04
-- counts: sla_instance
-- measure: value | ratio | % | 95
select
    'value' as measure,
    p.period_start,
    d.sla_instance_id as record_id,
    d.evidence_id,
    d.source,
    d.service,
    map(['target', 'priority', 'ticket'], [d.target, d.priority, d.record_id]) as dimensions,
    d.excluded_because is null as is_in,
    not d.is_breached as is_met,
    (epoch(d.stopped_at) - epoch(d.started_at)) / 3600.0 as amount,
    cast(null as double) as numerator_amount,
    cast(null as double) as denominator_amount,
    d.excluded_because
from metrics.sla_decision d
join metrics.period p on d.stopped_at >= p.start_at and d.stopped_at < p.end_at
