-- One row per change started in the period.
-- id: CHG-04
-- title: Unauthorised changes
-- definition: Changes started in the month without a final approval, before it, or flagged as unauthorised in the tool.
-- clauses: 8.5.1
-- area: A4
-- direction: down
-- attribution: actual start in the period
-- exclusions: standard changes from a pre-approved model, shown
-- pitfalls: the approval counts when the change as a whole was approved, not when a row was last updated; an approval without a time of decision proves nothing; started is enough; amount is the hours that the approval came late
-- counts: change
-- measure: value | count | count | 0
with found as (
    select
        c.change_id,
        case
            when coalesce(c.is_preapproved, false) then null
            when coalesce(c.is_unauthorized, false) then 'flagged as unauthorised'
            when c.approval = 'rejected' then 'approval refused'
            when c.approved_at is null and c.approval = 'approved' then 'approved, but no time of the decision is recorded'
            when c.approved_at is null then 'no final approval'
            when c.approved_at > c.actual_start_at then 'approved after the start'
        end as finding
    from canonical.change c
)
select
    'value' as measure,
    p.period_start,
    c.change_id as record_id,
    c.evidence_id,
    c.source,
    c.service,
    map(['type', 'missing'], [c.type, f.finding]) as dimensions,
    not coalesce(c.is_preapproved, false) as is_in,
    f.finding is not null as is_met,
    case
        when c.approved_at > c.actual_start_at then (epoch(c.approved_at) - epoch(c.actual_start_at)) / 3600.0
    end as amount,
    cast(null as double) as numerator_amount,
    cast(null as double) as denominator_amount,
    case when coalesce(c.is_preapproved, false) then 'pre-approved standard change' end as excluded_because
from canonical.change c
join found f on f.change_id = c.change_id
join metrics.period p on c.actual_start_at >= p.start_at and c.actual_start_at < p.end_at
