-- One row per cycle of an SLA field of an issue: the completed ones in order, then the one that runs. A reopened issue
-- has several; a cancelled clock loses its cycle.
with held as (
    select
        i.source, i.id, i.evidence_id,
        unnest([
            i.sla_1, i.sla_2, i.sla_3, i.sla_4, i.sla_5, i.sla_6, i.sla_7, i.sla_8, i.sla_9, i.sla_10,
            i.sla_11, i.sla_12, i.sla_13, i.sla_14, i.sla_15, i.sla_16, i.sla_17, i.sla_18, i.sla_19, i.sla_20,
            i.sla_21, i.sla_22, i.sla_23, i.sla_24, i.sla_25, i.sla_26, i.sla_27, i.sla_28, i.sla_29, i.sla_30,
            i.sla_31, i.sla_32, i.sla_33, i.sla_34, i.sla_35, i.sla_36, i.sla_37, i.sla_38, i.sla_39, i.sla_40
        ]) as sla
    from stage.jira__issue i
),
parsed as (
    select
        h.source, h.id, h.evidence_id,
        from_json(h.sla, '{
            "id": "VARCHAR",
            "name": "VARCHAR",
            "completedCycles": [{
                "startTime": {"epochMillis": "DOUBLE"},
                "stopTime": {"epochMillis": "DOUBLE"},
                "breachTime": {"epochMillis": "DOUBLE"},
                "breached": "BOOLEAN",
                "paused": "BOOLEAN",
                "goalDuration": {"millis": "DOUBLE"},
                "elapsedTime": {"millis": "DOUBLE"}
            }],
            "ongoingCycle": {
                "startTime": {"epochMillis": "DOUBLE"},
                "stopTime": {"epochMillis": "DOUBLE"},
                "breachTime": {"epochMillis": "DOUBLE"},
                "breached": "BOOLEAN",
                "paused": "BOOLEAN",
                "goalDuration": {"millis": "DOUBLE"},
                "elapsedTime": {"millis": "DOUBLE"}
            }
        }') as sla
    from held h
    where h.sla is not null
),
cycle as (
    select
        p.source, p.id, p.evidence_id, p.sla."id" as sla_id, p.sla."name" as name, true as is_completed,
        unnest(p.sla."completedCycles") as cycle,
        generate_subscripts(p.sla."completedCycles", 1) as place
    from parsed p
    union all
    select
        p.source, p.id, p.evidence_id, p.sla."id", p.sla."name", false,
        p.sla."ongoingCycle",
        coalesce(len(p.sla."completedCycles"), 0) + 1
    from parsed p
)
select
    c.source,
    c.id as issue_id,
    c.evidence_id,
    coalesce(c.sla_id, c.name) as sla_id,
    coalesce(c.name, c.sla_id) as name,
    c.place,
    case
        when c.is_completed then 'completed'
        when c.cycle."paused" then 'paused'
        else 'in_progress'
    end as state,
    to_timestamp(c.cycle."startTime"."epochMillis" / 1000) as started_at,
    case when c.is_completed then to_timestamp(c.cycle."stopTime"."epochMillis" / 1000) end as stopped_at,
    to_timestamp(c.cycle."breachTime"."epochMillis" / 1000) as breach_at,
    c.cycle."breached" as has_breached,
    cast(c.cycle."elapsedTime"."millis" / 1000 as bigint) as elapsed_seconds,
    cast(c.cycle."goalDuration"."millis" / 1000 as bigint) as target_seconds
from cycle c
where c.cycle."startTime"."epochMillis" is not null and coalesce(c.sla_id, c.name) is not null
