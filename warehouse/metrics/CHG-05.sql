-- One row per change closed in the period.
-- id: CHG-05
-- title: Changes with full trace
-- definition: Share of the changes closed in the month that have evidence of each step: raised, classified, assessed, approved, scheduled, implemented, reviewed, and linked to a configuration item that exists.
-- clauses: 8.5.1.3
-- area: A4
-- direction: up
-- attribution: closed in the period
-- exclusions: cancelled changes, shown; assessment and approval of pre-approved standard changes are those of their model
-- pitfalls: a late approval is an approval (CHG-04 tells it is late); a review dated before the actual end is none
-- counts: change
-- measure: value | ratio | % | 100
with item as (
    select l.from_id as change_id
    from canonical.record_link l
    join canonical.configuration_item i on i.configuration_item_id = l.to_id
    where l.from_entity = 'change' and l.type = 'affects'
    union
    select c.change_id
    from canonical.change c
    join canonical.configuration_item i on i.configuration_item_id = c.configuration_item_id
),
step as (
    select
        c.change_id,
        concat_ws(', ',
            case when c.opened_at is null or c.requested_by is null then 'raised' end,
            case when c.type = 'unknown' then 'classified' end,
            case
                when not coalesce(c.is_preapproved, false) and (c.risk is null or c.assessment is null) then 'assessed'
            end,
            case when not coalesce(c.is_preapproved, false) and c.approved_at is null then 'approved' end,
            case when c.planned_start_at is null or c.planned_end_at is null then 'scheduled' end,
            case when c.actual_start_at is null or c.actual_end_at is null then 'implemented' end,
            case
                when c.review is null or c.reviewed_at is null or c.reviewed_at < c.actual_end_at then 'reviewed'
            end,
            case when i.change_id is null then 'linked' end
        ) as missing
    from canonical.change c
    left join item i on i.change_id = c.change_id
)
select
    'value' as measure,
    p.period_start,
    c.change_id as record_id,
    c.evidence_id,
    c.source,
    c.service,
    map(['type', 'missing'], [c.type, nullif(s.missing, '')]) as dimensions,
    c.state <> 'cancelled' as is_in,
    s.missing = '' as is_met,
    cast(null as double) as amount,
    cast(null as double) as numerator_amount,
    cast(null as double) as denominator_amount,
    case when c.state = 'cancelled' then 'cancelled' end as excluded_because
from canonical.change c
join metrics.period p on c.closed_at >= p.start_at and c.closed_at < p.end_at
join step s on s.change_id = c.change_id
