-- One row per clock on a task. Percentages of running clocks are refreshed by jobs, late: the breach time decides.
with clock as (
    select
        t.source, t.sys_id, t.task, t.sla, t.stage, t.has_breached, t.start_time, t.end_time, t.planned_end_time,
        t.duration, t.pause_duration, t.sys_created_on, t.evidence_id,
        coalesce(state.canonical, 'unknown') as state,
        coalesce(state.label, t.stage) as original_state
    from stage.servicenow__task_sla t
    left join stage.servicenow_meaning state
        on state.source = t.source and state.table_name = 'task_sla' and state.element = 'stage'
        and state.value = t.stage
)
select
    t.source || ':sla_instance:' || t.sys_id as sla_instance_id,
    t.source,
    t.source || ':sla_definition:' || t.sla as sla_definition_id,
    t.source || ':' || coalesce(e.entity, 'task') || ':' || t.task as record_id,
    coalesce(e.entity, 'task') as entity,
    d.name,
    coalesce(type.canonical, 'unknown') as type,
    coalesce(target.canonical, 'other') as target,
    t.state,
    t.original_state,
    t.start_time as started_at,
    t.end_time as stopped_at,
    t.planned_end_time as breach_at,
    coalesce(t.has_breached, false)
        or coalesce(t.end_time > t.planned_end_time, false)
        or coalesce(t.state = 'in_progress' and t.end_time is null and t.planned_end_time < k.as_of, false)
        as is_breached,
    t.duration as elapsed_seconds,
    t.pause_duration as paused_seconds,
    d.duration as target_seconds,
    t.sys_created_on as attached_at,
    t.evidence_id,
    s.url || '/nav_to.do?uri=task_sla.do?sys_id=' || t.sys_id as source_url
from clock t
join stage.source s on s.source = t.source
cross join stage.clock k
left join stage.servicenow_entity e on e.source = t.source and e.sys_id = t.task
left join stage.servicenow__contract_sla d on d.source = t.source and d.sys_id = t.sla
left join stage.servicenow_meaning type
    on type.source = d.source and type.table_name = 'contract_sla' and type.element = 'type' and type.value = d.type
left join stage.servicenow_meaning target
    on target.source = d.source and target.table_name = 'contract_sla' and target.element = 'target'
    and target.value = d.target
