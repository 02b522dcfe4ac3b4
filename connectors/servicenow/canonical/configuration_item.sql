-- One row per configuration item, services included.
select
    c.source || ':configuration_item:' || c.sys_id as configuration_item_id,
    c.source,
    c.name,
    c.sys_class_name as class,
    c.short_description as description,
    case when c.install_status is not null then coalesce(status.canonical, 'unknown') end as status,
    coalesce(status.label, c.install_status) as original_status,
    c.serial_number,
    c.source || ':person:' || coalesce(c.owned_by, c.managed_by, c.assigned_to) as owner_id,
    c.source || ':team:' || coalesce(c.support_group, c.assignment_group) as team_id,
    c.sys_created_on as created_at,
    c.sys_updated_on as updated_at,
    c.last_discovered as discovered_at,
    c.evidence_id,
    s.url || '/nav_to.do?uri=cmdb_ci.do?sys_id=' || c.sys_id as source_url
from stage.servicenow__cmdb_ci c
join stage.source s on s.source = c.source
left join stage.servicenow_meaning status
    on status.source = c.source and status.table_name = 'cmdb_ci' and status.element = 'install_status'
    and status.value = c.install_status
