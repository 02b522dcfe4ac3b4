-- One row per cycle of an SLA field of an issue: the completed ones in order, then the one that runs.
with held as (
    select i.source, i.id, i.evidence_id, unnest([
            sla_1, sla_2, sla_3, sla_4, sla_5, sla_6, sla_7, sla_8, sla_9, sla_10, sla_11, sla_12, sla_13,
            sla_14, sla_15, sla_16, sla_17, sla_18, sla_19, sla_20, sla_21, sla_22, sla_23, sla_24, sla_25,
            sla_26, sla_27, sla_28, sla_29, sla_30, sla_31, sla_32, sla_33, sla_34, sla_35, sla_36, sla_37,
            sla_38, sla_39, sla_40
        ]) as sla
    from stage.jira__issue i
),
field as (
    select
        source, id, evidence_id,
        sla ->> '$.id' as sla_id,
        sla ->> '$.name' as name,
        from_json(sla, '{"completedCycles":["JSON"],"ongoingCycle":"JSON"}') as cycles
    from held
    where sla is not null and sla ->> '$.name' is not null
),
cycle as (
    select
        f.source, f.id, f.evidence_id, f.sla_id, f.name, 'completed' as state,
        unnest(f.cycles.completedCycles) as cycle,
        generate_subscripts(f.cycles.completedCycles, 1) as place
    from field f
    union all
    select
        f.source, f.id, f.evidence_id, f.sla_id, f.name, 'in_progress' as state,
        f.cycles.ongoingCycle as cycle,
        coalesce(len(f.cycles.completedCycles), 0) + 1 as place
    from field f
    where json_type(f.cycles.ongoingCycle) = 'OBJECT'
)
select
    c.source,
    c.id as issue_id,
    c.evidence_id,
    coalesce(c.sla_id, c.name) as sla_id,
    c.name,
    c.place,
    case
        when c.state = 'in_progress' and try_cast(c.cycle ->> '$.paused' as boolean) then 'paused'
        else c.state
    end as state,
    to_timestamp(try_cast(c.cycle ->> '$.startTime.epochMillis' as double) / 1000) as started_at,
    case when c.state = 'completed'
        then to_timestamp(try_cast(c.cycle ->> '$.stopTime.epochMillis' as double) / 1000) end as stopped_at,
    to_timestamp(try_cast(c.cycle ->> '$.breachTime.epochMillis' as double) / 1000) as breach_at,
    coalesce(try_cast(c.cycle ->> '$.breached' as boolean), false) as has_breached,
    cast(try_cast(c.cycle ->> '$.elapsedTime.millis' as double) / 1000 as bigint) as elapsed_seconds,
    cast(try_cast(c.cycle ->> '$.goalDuration.millis' as double) / 1000 as bigint) as target_seconds
from cycle c
