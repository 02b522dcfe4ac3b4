-- One row per event of an incident in the period, or incident open at its border.
-- id: INC-01
-- title: Incidents opened, resolved, open at end
-- definition: Incidents opened in the month, resolution events in it, reopenings in it, and incidents open at its start and at its end. Open at start + opened + reopened - resolved = open at end.
-- clauses: 8.6.1
-- area: A3
-- direction: neutral
-- attribution: opened, resolved and reopened in the period; state at its start and end
-- exclusions: incidents that are cancelled at the snapshot, shown under opened
-- pitfalls: resolution counts events, so a reopened incident can count twice; an incident closed without a resolution is resolved when it is closed
-- counts: incident
-- measure: opened | count | count |
-- measure: resolved | count | count |
-- measure: reopened | count | count |
-- measure: open_start | count | count |
-- measure: open_end | count | count |
with counted as (
    select 'opened' as measure, p.period_start, i.record_id, i.evidence_id, i.source, i.service, i.priority, i.is_cancelled
    from metrics.open_interval i
    join metrics.period p on i.started_at >= p.start_at and i.started_at < p.end_at
    where i.entity = 'incident' and not i.is_reopening
    union all
    select 'reopened' as measure, p.period_start, i.record_id, i.evidence_id, i.source, i.service, i.priority, i.is_cancelled
    from metrics.open_interval i
    join metrics.period p on i.started_at >= p.start_at and i.started_at < p.end_at
    where i.entity = 'incident' and i.is_reopening
    union all
    select 'resolved' as measure, p.period_start, i.record_id, i.evidence_id, i.source, i.service, i.priority, i.is_cancelled
    from metrics.open_interval i
    join metrics.period p on i.ended_at >= p.start_at and i.ended_at < p.end_at
    where i.entity = 'incident'
    union all
    select 'open_start' as measure, p.period_start, i.record_id, i.evidence_id, i.source, i.service, i.priority, i.is_cancelled
    from metrics.open_interval i
    join metrics.period p on i.started_at < p.start_at and (i.ended_at is null or i.ended_at >= p.start_at)
    where i.entity = 'incident'
    union all
    select 'open_end' as measure, p.period_start, i.record_id, i.evidence_id, i.source, i.service, i.priority, i.is_cancelled
    from metrics.open_interval i
    join metrics.period p on i.started_at < p.end_at and (i.ended_at is null or i.ended_at >= p.end_at)
    where i.entity = 'incident'
)
select
    c.measure,
    c.period_start,
    c.record_id,
    c.evidence_id,
    c.source,
    c.service,
    map(['priority'], [c.priority]) as dimensions,
    not c.is_cancelled as is_in,
    not c.is_cancelled as is_met,
    cast(null as double) as amount,
    cast(null as double) as numerator_amount,
    cast(null as double) as denominator_amount,
    case when c.is_cancelled then 'cancelled' end as excluded_because
from counted c
