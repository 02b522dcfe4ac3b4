-- One row per recorded change of a field, with the canonical name of the field and of both values. Where state and the
-- older incident_state or problem_state are both audited, the older one is left out. Teams and people are audited by
-- their ids and shown by their names.
with audited as (
    select
        a.source, a.sys_id, a.tablename, a.documentkey, a.oldvalue, a.newvalue, a.user as changed_by, a.evidence_id,
        a.sys_created_on as changed_at, a.fieldname,
        case
            when a.fieldname in ('state', 'incident_state', 'problem_state') then 'state'
            when a.fieldname = 'assignment_group' then 'team'
            when a.fieldname = 'assigned_to' then 'assignee'
            when a.fieldname in ('start_date', 'planned_start_date') then 'planned_start'
            when a.fieldname in ('end_date', 'planned_end_date') then 'planned_end'
            when a.fieldname = 'work_start' then 'actual_start'
            when a.fieldname = 'work_end' then 'actual_end'
            else a.fieldname
        end as field
    from stage.servicenow__sys_audit a
    where a.sys_created_on is not null and a.documentkey is not null
),
stated as (
    select distinct source, documentkey from audited where fieldname = 'state'
),
kept as (
    select
        a.source, a.sys_id, a.tablename, a.documentkey, a.oldvalue, a.newvalue, a.changed_by, a.evidence_id,
        a.changed_at, a.fieldname, a.field
    from audited a
    left join stated s on s.source = a.source and s.documentkey = a.documentkey
    where a.fieldname not in ('incident_state', 'problem_state') or s.documentkey is null
),
name as (
    select source, 'team' as field, sys_id, name from stage.servicenow__sys_user_group
    union all
    select source, 'assignee', sys_id, name from stage.servicenow__sys_user
)
select
    k.source, k.sys_id, k.tablename as table_name, e.entity, k.documentkey, k.field, k.changed_at, k.evidence_id,
    k.changed_by,
    k.newvalue,
    case when k.oldvalue is not null and k.field in ('state', 'approval', 'priority')
        then coalesce(old.canonical, 'unknown') end as from_value,
    case when k.newvalue is not null and k.field in ('state', 'approval', 'priority')
        then coalesce(new.canonical, 'unknown') end as to_value,
    coalesce(old.label, old_name.name, k.oldvalue) as original_from,
    coalesce(new.label, new_name.name, k.newvalue) as original_to
from kept k
join stage.servicenow_entity e on e.source = k.source and e.table_name = k.tablename and e.sys_id = k.documentkey
left join stage.servicenow_meaning old
    on old.source = k.source and old.table_name = k.tablename and old.element = k.fieldname and old.value = k.oldvalue
left join stage.servicenow_meaning new
    on new.source = k.source and new.table_name = k.tablename and new.element = k.fieldname and new.value = k.newvalue
left join name old_name on old_name.source = k.source and old_name.field = k.field and old_name.sys_id = k.oldvalue
left join name new_name on new_name.source = k.source and new_name.field = k.field and new_name.sys_id = k.newvalue
