-- One row per problem open at the start of the period or opened in it.
-- id: PRB-02
-- title: Problem closure rate
-- definition: Problems closed in the month as a share of those open at its start and those opened in it.
-- clauses: 8.6.3
-- area: A1
-- direction: up
-- attribution: closed in the period, of those opened in it or open at its start
-- exclusions: cancelled and duplicate problems, from both sides, shown
-- pitfalls: resolved is not closed; a reopened problem is open again, whatever closing time it still carries; closed as cancelled is no closure; closed over opened alone passes 100 % after a clean-up
-- counts: problem
-- measure: value | ratio | % |
with closing as (
    select
        problem_id,
        case when state in ('closed', 'cancelled') then coalesce(closed_at, resolved_at, updated_at) end as closed_at
    from canonical.problem
)
select
    'value' as measure,
    p.period_start,
    b.problem_id as record_id,
    b.evidence_id,
    b.source,
    b.service,
    map(['resolution_code', 'priority'], [b.resolution_code, b.priority]) as dimensions,
    not t.is_cancelled as is_in,
    coalesce(b.state = 'closed' and c.closed_at < p.end_at, false) as is_met,
    cast(null as double) as amount,
    cast(null as double) as numerator_amount,
    cast(null as double) as denominator_amount,
    case when t.is_cancelled then 'cancelled or duplicate' end as excluded_because
from canonical.problem b
join closing c on c.problem_id = b.problem_id
join metrics.ticket t on t.record_id = b.problem_id
join metrics.period p on b.opened_at < p.end_at and (c.closed_at is null or c.closed_at >= p.start_at)
