-- One row per service.
select
    c.source || ':service:' || c.sys_id as service_id,
    c.source,
    c.name,
    case when c.operational_status is not null then coalesce(state.canonical, 'unknown') end as state,
    coalesce(state.label, c.operational_status) as original_state,
    coalesce(c.busines_criticality, c.business_criticality) as criticality,
    c.source || ':person:' || coalesce(c.owned_by, c.managed_by) as owner_id,
    c.source || ':team:' || coalesce(c.support_group, c.assignment_group) as team_id,
    c.sys_created_on as created_at,
    c.evidence_id,
    s.url || '/nav_to.do?uri=cmdb_ci_service.do?sys_id=' || c.sys_id as source_url
from stage.servicenow__cmdb_ci_service c
join stage.source s on s.source = c.source
left join stage.servicenow_meaning state
    on state.source = c.source and state.table_name = 'cmdb_ci_service' and state.element = 'operational_status'
    and state.value = c.operational_status
