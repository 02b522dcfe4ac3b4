-- One row per problem. A problem closed as cancelled is cancelled.
select
    p.source || ':problem:' || p.sys_id as problem_id,
    p.source,
    p.number,
    p.short_description as title,
    service.name as service,
    p.source || ':service:' || service.service as service_id,
    team.name as team,
    p.source || ':team:' || p.assignment_group as team_id,
    case when p.priority is not null then coalesce(priority.canonical, 'unknown') end as priority,
    coalesce(priority.label, p.priority) as original_priority,
    case
        when code.canonical = 'cancelled' and state.canonical in ('closed', 'resolved') then 'cancelled'
        else coalesce(state.canonical, 'unknown')
    end as state,
    coalesce(state.label, p.state, p.problem_state) as original_state,
    case when p.resolution_code is not null then coalesce(code.canonical, 'unknown') end as resolution_code,
    coalesce(code.label, p.resolution_code) as original_resolution_code,
    coalesce(p.known_error, false) as is_known_error,
    prose.root_cause,
    prose.workaround,
    prose.fix,
    coalesce(p.opened_at, p.sys_created_on) as opened_at,
    p.resolved_at,
    p.closed_at,
    p.due_date as due_at,
    p.sys_updated_on as updated_at,
    p.source || ':person:' || p.assigned_to as assignee_id,
    p.source || ':configuration_item:' || p.cmdb_ci as configuration_item_id,
    p.source || ':change:' || p.rfc as change_id,
    p.evidence_id,
    s.url || '/nav_to.do?uri=problem.do?sys_id=' || p.sys_id as source_url
from stage.servicenow__problem p
join stage.source s on s.source = p.source
left join stage.servicenow_service_of service on service.source = p.source and service.sys_id = p.sys_id
left join stage.servicenow_prose prose on prose.source = p.source and prose.sys_id = p.sys_id
left join stage.servicenow__sys_user_group team on team.source = p.source and team.sys_id = p.assignment_group
left join stage.servicenow_meaning priority
    on priority.source = p.source and priority.table_name = 'problem' and priority.element = 'priority'
    and priority.value = p.priority
left join stage.servicenow_meaning state
    on state.source = p.source and state.table_name = 'problem' and state.element = 'state'
    and state.value = coalesce(p.state, p.problem_state)
left join stage.servicenow_meaning code
    on code.source = p.source and code.table_name = 'problem' and code.element = 'resolution_code'
    and code.value = p.resolution_code
