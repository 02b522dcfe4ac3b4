-- One row per SLA clock decided in the period.
-- id: SLM-01
-- title: SLA attainment (decided)
-- definition: Share of the SLA clocks decided in the month that were stopped without a breach. A clock is decided when it stops or when its target is used up, whichever is first.
-- clauses: 8.3.3
-- area: A1
-- direction: up
-- attribution: the earlier of stop and breach in the period
-- exclusions: cancelled clocks; clocks of another type than SLA (OLA, underpinning contract); both shown
-- pitfalls: an open breached clock counts in the month of its breach, not when somebody closes the ticket; a clock that stops exactly at its target is met; a clock attached later counts at its breach all the same
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
    (epoch(d.decided_at) - epoch(d.started_at)) / 3600.0 as amount,
    cast(null as double) as numerator_amount,
    cast(null as double) as denominator_amount,
    d.excluded_because
from metrics.sla_decision d
join metrics.period p on d.decided_at >= p.start_at and d.decided_at < p.end_at
