-- One row per change closed in the period.
-- id: CHG-01
-- title: Change success rate
-- definition: Share of the implemented changes closed in the month that the tool calls successful, that were not backed out, and that caused no incident until the observation (30 days) after their end.
-- clauses: 8.5.1
-- area: A1
-- direction: up
-- attribution: closed in the period
-- exclusions: changes cancelled or rejected before they were implemented, shown
-- pitfalls: a change closed without an outcome, or cancelled after its start, is not successful; an incident linked later restates the month; only explicit links count
-- counts: change
-- measure: value | ratio | % | 95
with observed as (
    select 86400.0 * cast(value as double) as seconds from metrics.setting where name = 'observation_days'
),
failure as (
    select i.caused_by_change_id as change_id, count(*) as incidents
    from canonical.incident i
    join canonical.change c on c.change_id = i.caused_by_change_id
    cross join observed o
    where i.state <> 'cancelled'
        and epoch(i.opened_at) <= epoch(coalesce(c.actual_end_at, c.closed_at)) + o.seconds
    group by i.caused_by_change_id
),
left_out as (
    select
        c.change_id,
        case
            when c.actual_start_at is not null then null
            when c.state = 'cancelled' or c.outcome = 'cancelled' then 'cancelled before it was implemented'
            when c.approval = 'rejected' then 'rejected before it was implemented'
            when c.actual_end_at is null then 'not implemented'
        end as excluded_because
    from canonical.change c
)
select
    'value' as measure,
    p.period_start,
    c.change_id as record_id,
    c.evidence_id,
    c.source,
    c.service,
    map(
        ['type', 'outcome', 'missing'],
        [
            c.type,
            c.outcome,
            case
                when c.state = 'cancelled' then 'cancelled after the start'
                when f.incidents is not null then 'caused an incident'
                when c.outcome is null then 'no outcome recorded'
                when c.outcome not in ('successful', 'successful_with_issues') then 'outcome ' || c.outcome
            end
        ]
    ) as dimensions,
    l.excluded_because is null as is_in,
    coalesce(c.outcome in ('successful', 'successful_with_issues'), false) and c.state <> 'cancelled'
        and f.incidents is null as is_met,
    cast(null as double) as amount,
    cast(null as double) as numerator_amount,
    cast(null as double) as denominator_amount,
    l.excluded_because
from canonical.change c
join left_out l on l.change_id = c.change_id
join metrics.period p on c.closed_at >= p.start_at and c.closed_at < p.end_at
left join failure f on f.change_id = c.change_id
