-- One row per task that names a service: the business service, else the configuration item where that is a service.
with task as (
    select source, sys_id, business_service, cmdb_ci from stage.servicenow__incident
    union all
    select source, sys_id, business_service, cmdb_ci from stage.servicenow__problem
    union all
    select source, sys_id, business_service, cmdb_ci from stage.servicenow__change_request
)
select t.source, t.sys_id, coalesce(named.sys_id, item.sys_id) as service, coalesce(named.name, item.name) as name
from task t
left join stage.servicenow__cmdb_ci_service named on named.source = t.source and named.sys_id = t.business_service
left join stage.servicenow__cmdb_ci_service item on item.source = t.source and item.sys_id = t.cmdb_ci
where named.sys_id is not null or item.sys_id is not null
