-- One row per stream read in the period, counted by both sides.
-- id: DQ-01
-- title: Population completeness
-- definition: Records stored as a share of the records that the source counts, over all streams and runs of the month.
-- clauses: 7.5.3|9.1
-- area: DQ
-- direction: up
-- attribution: start of the read in the period
-- exclusions: streams skipped by the configuration; reads that failed before the source counted
-- pitfalls: the source counts rows that the account can't see: then the ratio is below one, and audit.sync_run tells how many are hidden
-- measure: value | ratio_of_sums | ratio | 1
select
    'value' as measure,
    p.period_start,
    r.sync_id || ':' || r.source || ':' || r.stream as record_id,
    cast(null as varchar) as evidence_id,
    r.source,
    cast(null as varchar) as service,
    map(['stream', 'status'], [r.stream, r.status]) as dimensions,
    r.source_count is not null and r.warehouse_count is not null as is_in,
    coalesce(r.source_count = r.warehouse_count, false) as is_met,
    cast(r.hidden as double) as amount,
    cast(r.warehouse_count as double) as numerator_amount,
    cast(r.source_count as double) as denominator_amount,
    case
        when r.source_count is null then 'the source gave no count'
        when r.warehouse_count is null then 'the stored records were not counted'
    end as excluded_because
from audit.sync_run r
join metrics.period p on r.started_at >= p.start_at and r.started_at < p.end_at
where r.status in ('complete', 'incomplete')
