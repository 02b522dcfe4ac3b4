-- One row per table, field and value that has a label or a meaning. A meaning that the configuration gives to the value
-- itself comes first, then that of the instance's own label, and the stock meaning of the value only where the instance
-- has no choice list for the field at all. A table without a list of its own has that of the table it extends.
with list as (
    select l.table_name, l.element, l.field, l.list_table, l.list_element, l.place
    from (values
        ('incident', 'state', 'incident.state', 'incident', 'state', 1),
        ('incident', 'state', 'incident.state', 'incident', 'incident_state', 2),
        ('incident', 'incident_state', 'incident.state', 'incident', 'incident_state', 1),
        ('incident', 'incident_state', 'incident.state', 'incident', 'state', 2),
        ('incident', 'priority', 'priority', 'incident', 'priority', 1),
        ('incident', 'priority', 'priority', 'task', 'priority', 2),
        ('incident', 'approval', 'change.approval', 'incident', 'approval', 1),
        ('incident', 'approval', 'change.approval', 'task', 'approval', 2),
        ('incident', 'major_incident_state', 'incident.is_major', 'incident', 'major_incident_state', 1),
        ('problem', 'state', 'problem.state', 'problem', 'state', 1),
        ('problem', 'state', 'problem.state', 'problem', 'problem_state', 2),
        ('problem', 'problem_state', 'problem.state', 'problem', 'problem_state', 1),
        ('problem', 'problem_state', 'problem.state', 'problem', 'state', 2),
        ('problem', 'priority', 'priority', 'problem', 'priority', 1),
        ('problem', 'priority', 'priority', 'task', 'priority', 2),
        ('problem', 'approval', 'change.approval', 'problem', 'approval', 1),
        ('problem', 'approval', 'change.approval', 'task', 'approval', 2),
        ('problem', 'resolution_code', 'problem.resolution_code', 'problem', 'resolution_code', 1),
        ('change_request', 'state', 'change.state', 'change_request', 'state', 1),
        ('change_request', 'priority', 'priority', 'change_request', 'priority', 1),
        ('change_request', 'priority', 'priority', 'task', 'priority', 2),
        ('change_request', 'approval', 'change.approval', 'change_request', 'approval', 1),
        ('change_request', 'approval', 'change.approval', 'task', 'approval', 2),
        ('change_request', 'type', 'change.type', 'change_request', 'type', 1),
        ('change_request', 'risk', 'change.risk', 'change_request', 'risk', 1),
        ('change_request', 'close_code', 'change.outcome', 'change_request', 'close_code', 1),
        ('change_task', 'state', 'change_task.state', 'change_task', 'state', 1),
        ('change_task', 'state', 'change_task.state', 'task', 'state', 2),
        ('change_task', 'priority', 'priority', 'change_task', 'priority', 1),
        ('change_task', 'priority', 'priority', 'task', 'priority', 2),
        ('change_task', 'approval', 'change.approval', 'change_task', 'approval', 1),
        ('change_task', 'approval', 'change.approval', 'task', 'approval', 2),
        ('sysapproval_approver', 'state', 'approval.state', 'sysapproval_approver', 'state', 1),
        ('cmdb_ci', 'install_status', 'configuration_item.status', 'cmdb_ci', 'install_status', 1),
        ('cmdb_ci_service', 'operational_status', 'service.state', 'cmdb_ci_service', 'operational_status', 1),
        ('cmdb_ci_service', 'operational_status', 'service.state', 'cmdb_ci', 'operational_status', 2),
        ('task_sla', 'stage', 'sla_instance.state', 'task_sla', 'stage', 1),
        ('contract_sla', 'type', 'sla_definition.type', 'contract_sla', 'type', 1),
        ('contract_sla', 'target', 'sla_definition.target', 'contract_sla', 'target', 1)
    ) as l(table_name, element, field, list_table, list_element, place)
),
field as (
    select distinct table_name, element, field from list
),
chosen as (
    select w.source, l.table_name, l.element, min(l.place) as place
    from list l
    join stage.servicenow_label w on w.table_name = l.list_table and w.element = l.list_element
    group by w.source, l.table_name, l.element
),
own as (
    select c.source, l.table_name, l.element, l.field, w.value, w.label
    from chosen c
    join list l on l.table_name = c.table_name and l.element = c.element and l.place = c.place
    join stage.servicenow_label w
        on w.source = c.source and w.table_name = l.list_table and w.element = l.list_element
),
candidate as (
    select o.source, o.table_name, o.element, o.value, o.label, cast(null as varchar) as canonical, 9 as rank
    from own o
    union all
    select v.source, f.table_name, f.element, v.vendor, null, v.canonical, 1
    from field f
    join stage.value v on v.field = f.field
    union all
    select o.source, o.table_name, o.element, o.value, null, v.canonical, 2
    from own o
    join stage.value v on v.source = o.source and v.field = o.field and v.vendor = o.label
    union all
    select o.source, o.table_name, o.element, o.value, null, v.canonical, 3
    from own o
    join stage.value v on v.source = o.source and v.field = o.field and lower(v.vendor) = lower(o.label)
    union all
    select v.source, f.table_name, f.element, v.vendor, null, v.canonical, 4
    from field f
    join stage.value v on v.field = f.field || '#value'
    left join chosen c on c.source = v.source and c.table_name = f.table_name and c.element = f.element
    where c.source is null
)
select
    c.source,
    c.table_name,
    c.element,
    c.value,
    coalesce(max(c.label), c.value) as label,
    coalesce(arg_min(c.canonical, (c.rank, c.canonical)) filter (where c.canonical is not null), 'unknown') as canonical
from candidate c
group by c.source, c.table_name, c.element, c.value
