-- One row per cycle of an SLA field. A cancelled clock loses its cycle in the tool: it can't be seen. The tool's own word
-- on a breach is taken, since it knows calendar and pauses; a clock that runs past its breach time has breached.
select
    c.source || ':sla_instance:' || c.issue_id || '/' || c.sla_id || '/' || c.place as sla_instance_id,
    c.source,
    c.source || ':sla_definition:' || c.name as sla_definition_id,
    e.record_id,
    e.entity,
    c.name,
    coalesce(type.canonical, 'sla') as type,
    coalesce(target.canonical, 'other') as target,
    c.state,
    c.state as original_state,
    c.started_at,
    c.stopped_at,
    c.breach_at,
    coalesce(c.has_breached, c.stopped_at > c.breach_at, false)
        or coalesce(c.state = 'in_progress' and c.breach_at < k.as_of, false) as is_breached,
    c.elapsed_seconds,
    c.target_seconds,
    c.evidence_id,
    e.source_url
from stage.jira_clock c
join stage.jira_entity e on e.source = c.source and e.id = c.issue_id
cross join stage.clock k
left join stage.value type
    on type.source = c.source and type.field = 'sla_definition.type' and type.vendor = c.name
left join stage.value target
    on target.source = c.source and target.field = 'sla_definition.target' and target.vendor = c.name
