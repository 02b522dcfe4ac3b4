-- One row per ticket or approval that a reference can point to, with its canonical entity.
select source, 'incident' as table_name, 'incident' as entity, sys_id, number from stage.servicenow__incident
union all
select source, 'problem', 'problem', sys_id, number from stage.servicenow__problem
union all
select source, 'change_request', 'change', sys_id, number from stage.servicenow__change_request
union all
select source, 'change_task', 'change_task', sys_id, number from stage.servicenow__change_task
union all
select source, 'sysapproval_approver', 'approval', sys_id, null from stage.servicenow__sysapproval_approver
