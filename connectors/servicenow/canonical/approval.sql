-- One row per approver's decision on a record. The time of the decision comes from the history of the row's state: its
-- own update time moves with anything that touches the row.
with decided as (
    select source, documentkey, max(changed_at) as decided_at
    from stage.servicenow_history
    where entity = 'approval' and field = 'state' and to_value in ('approved', 'rejected')
    group by source, documentkey
),
asked as (
    select
        source, sys_id, approver, state, sys_created_on, evidence_id,
        coalesce(sysapproval, document_id) as record,
        case source_table
            when 'change_request' then 'change'
            when 'sc_req_item' then 'service_request'
            else coalesce(source_table, 'task')
        end as entity
    from stage.servicenow__sysapproval_approver
)
select
    a.source || ':approval:' || a.sys_id as approval_id,
    a.source,
    a.source || ':' || coalesce(e.entity, a.entity) || ':' || a.record as record_id,
    coalesce(e.entity, a.entity) as entity,
    a.source || ':person:' || a.approver as approver_id,
    coalesce(state.canonical, 'unknown') as state,
    coalesce(state.label, a.state) as original_state,
    a.sys_created_on as requested_at,
    case when state.canonical in ('approved', 'rejected') then d.decided_at end as decided_at,
    a.evidence_id,
    s.url || '/nav_to.do?uri=sysapproval_approver.do?sys_id=' || a.sys_id as source_url
from asked a
join stage.source s on s.source = a.source
left join stage.servicenow_entity e
    on e.source = a.source and e.sys_id = a.record and e.entity <> 'approval'
left join decided d on d.source = a.source and d.documentkey = a.sys_id
left join stage.servicenow_meaning state
    on state.source = a.source and state.table_name = 'sysapproval_approver' and state.element = 'state'
    and state.value = a.state
