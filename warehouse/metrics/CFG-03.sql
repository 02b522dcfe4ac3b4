-- One row per configuration item that exists at the end of the period.
-- id: CFG-03
-- title: Orphan configuration items
-- definition: Share of the configuration items without a relation to another item or service at the end of the month.
-- clauses: 8.2.6
-- area: A4
-- direction: down
-- attribution: state at the end of the period
-- exclusions: retired items; items of a source that delivers no relations; both shown
-- pitfalls: relations removed since are not seen in past months: the state at an earlier end is that of items and relations made before it
-- counts: configuration_item
-- measure: value | ratio | % | 5
with related as (
    select r.parent_id as configuration_item_id, min(coalesce(r.created_at, cast('1970-01-01 00:00:00+00' as timestamptz))) as since
    from canonical.ci_relationship r
    join canonical.configuration_item i on i.configuration_item_id = r.child_id
    where r.parent_id <> r.child_id
    group by r.parent_id
    union all
    select r.child_id as configuration_item_id, min(coalesce(r.created_at, cast('1970-01-01 00:00:00+00' as timestamptz))) as since
    from canonical.ci_relationship r
    join canonical.configuration_item i on i.configuration_item_id = r.parent_id
    where r.parent_id <> r.child_id
    group by r.child_id
),
earliest as (
    select configuration_item_id, min(since) as since from related group by configuration_item_id
),
delivers as (
    select distinct source from canonical.ci_relationship
)
select
    'value' as measure,
    p.period_start,
    i.configuration_item_id as record_id,
    i.evidence_id,
    i.source,
    cast(null as varchar) as service,
    map(['class', 'status'], [i.class, i.status]) as dimensions,
    d.source is not null and coalesce(i.status, '') <> 'retired' as is_in,
    d.source is not null and coalesce(e.since >= p.end_at, true) as is_met,
    cast(null as double) as amount,
    cast(null as double) as numerator_amount,
    cast(null as double) as denominator_amount,
    case
        when d.source is null then 'the source delivers no relations'
        when i.status = 'retired' then 'retired'
    end as excluded_because
from canonical.configuration_item i
join metrics.period p on coalesce(i.created_at < p.end_at, true)
left join earliest e on e.configuration_item_id = i.configuration_item_id
left join delivers d on d.source = i.source
