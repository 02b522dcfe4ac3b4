-- One row per incident.
select
    i.source || ':incident:' || i.sys_id as incident_id,
    i.source,
    i.number,
    i.short_description as title,
    service.name as service,
    i.source || ':service:' || service.service as service_id,
    team.name as team,
    i.source || ':team:' || i.assignment_group as team_id,
    case when i.priority is not null then coalesce(priority.canonical, 'unknown') end as priority,
    coalesce(priority.label, i.priority) as original_priority,
    coalesce(state.canonical, 'unknown') as state,
    coalesce(state.label, i.state, i.incident_state) as original_state,
    i.category,
    i.close_code as resolution_code,
    coalesce(i.opened_at, i.sys_created_on) as opened_at,
    i.resolved_at,
    i.closed_at,
    i.sys_updated_on as updated_at,
    i.reopen_count as reopened_count,
    coalesce(major.canonical = 'true', false) as is_major,
    i.source || ':person:' || i.caller_id as requester_id,
    i.source || ':person:' || i.assigned_to as assignee_id,
    i.source || ':person:' || i.resolved_by as resolver_id,
    i.source || ':configuration_item:' || i.cmdb_ci as configuration_item_id,
    i.source || ':incident:' || i.parent_incident as parent_incident_id,
    i.source || ':problem:' || i.problem_id as problem_id,
    i.source || ':change:' || i.rfc as change_id,
    i.source || ':change:' || i.caused_by as caused_by_change_id,
    i.evidence_id,
    s.url || '/nav_to.do?uri=incident.do?sys_id=' || i.sys_id as source_url
from stage.servicenow__incident i
join stage.source s on s.source = i.source
left join stage.servicenow_service_of service on service.source = i.source and service.sys_id = i.sys_id
left join stage.servicenow__sys_user_group team on team.source = i.source and team.sys_id = i.assignment_group
left join stage.servicenow_meaning priority
    on priority.source = i.source and priority.table_name = 'incident' and priority.element = 'priority'
    and priority.value = i.priority
left join stage.servicenow_meaning state
    on state.source = i.source and state.table_name = 'incident' and state.element = 'state'
    and state.value = coalesce(i.state, i.incident_state)
left join stage.servicenow_meaning major
    on major.source = i.source and major.table_name = 'incident' and major.element = 'major_incident_state'
    and major.value = i.major_incident_state
