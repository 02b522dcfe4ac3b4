-- One row per table, field and value that has a meaning: the instance's own label decides, and the stock value only
-- where the instance shows no choice list for the field at all.
with field as (
    select 'incident' as table_name, 'state' as element, 'incident.state' as field
    union all
    select 'incident', 'incident_state', 'incident.state'
    union all
    select 'incident', 'major_incident_state', 'incident.is_major'
    union all
    select 'problem', 'state', 'problem.state'
    union all
    select 'problem', 'problem_state', 'problem.state'
    union all
    select 'problem', 'resolution_code', 'problem.resolution_code'
    union all
    select 'change_request', 'state', 'change.state'
    union all
    select 'change_request', 'type', 'change.type'
    union all
    select 'change_request', 'risk', 'change.risk'
    union all
    select 'change_request', 'close_code', 'change.outcome'
    union all
    select 'task', 'approval', 'change.approval'
    union all
    select 'task', 'priority', 'priority'
    union all
    select 'sysapproval_approver', 'state', 'approval.state'
    union all
    select 'cmdb_ci', 'install_status', 'configuration_item.status'
    union all
    select 'cmdb_ci', 'operational_status', 'service.state'
    union all
    select 'task_sla', 'stage', 'sla_instance.state'
    union all
    select 'contract_sla', 'type', 'sla_definition.type'
    union all
    select 'contract_sla', 'target', 'sla_definition.target'
),
own as (
    select l.source, f.table_name, f.element, f.field, l.value, l.label
    from field f
    join stage.servicenow_label l on l.table_name = f.table_name and l.element = f.element
),
labelled as (
    select distinct source, table_name, element from own
),
shipped as (
    select v.source, f.table_name, f.element, f.field, v.vendor as value, v.canonical
    from field f
    join stage.value v on v.field = f.field || '#value'
    left join labelled o on o.source = v.source and o.table_name = f.table_name and o.element = f.element
    where o.source is null
)
select
    o.source, o.table_name, o.element, o.value, o.label,
    coalesce(by_value.canonical, by_label.canonical, 'unknown') as canonical
from own o
left join stage.value by_label on by_label.source = o.source and by_label.field = o.field and by_label.vendor = o.label
left join stage.value by_value on by_value.source = o.source and by_value.field = o.field and by_value.vendor = o.value
union all
select s.source, s.table_name, s.element, s.value, s.value as label, s.canonical
from shipped s
