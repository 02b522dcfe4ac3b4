-- One row per incident first resolved in the period.
-- id: INC-06
-- title: Reopened incidents
-- definition: Share of the incidents first resolved in the month that were reopened later, as known at the snapshot.
-- clauses: 8.6.1
-- area: INT
-- direction: down
-- attribution: first resolution in the period
-- exclusions: cancelled incidents, shown
-- pitfalls: the tool's counter has no date, so the month is that of the history; a reopening counts when the history or the counter knows of it; a late reopening restates the month of the first resolution
-- counts: incident
-- measure: value | ratio | % | 3
with first_end as (
    select record_id, min(ended_at) as ended_at
    from metrics.open_interval
    where entity = 'incident' and ended_as in ('resolved', 'closed')
    group by record_id
),
reopened as (
    select record_id, max(started_at) as started_at
    from metrics.open_interval
    where entity = 'incident' and is_reopening
    group by record_id
)
select
    'value' as measure,
    p.period_start,
    t.record_id,
    t.evidence_id,
    t.source,
    t.service,
    map(['priority'], [t.priority]) as dimensions,
    not t.is_cancelled as is_in,
    coalesce(r.started_at >= f.ended_at, false) or coalesce(i.reopened_count, 0) > 0 as is_met,
    cast(null as double) as amount,
    cast(null as double) as numerator_amount,
    cast(null as double) as denominator_amount,
    case when t.is_cancelled then 'cancelled' end as excluded_because
from first_end f
join metrics.ticket t on t.record_id = f.record_id
join canonical.incident i on i.incident_id = f.record_id
join metrics.period p on f.ended_at >= p.start_at and f.ended_at < p.end_at
left join reopened r on r.record_id = f.record_id
