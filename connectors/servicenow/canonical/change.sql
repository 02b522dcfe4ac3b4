-- One row per change. Actual times come from their fields, else from the history of the state; the final approval from
-- the history of the change's own approval, else from the last approver's decision.
with implemented as (
    select
        source, documentkey,
        min(case when to_value = 'implement' then changed_at end) as entered_at,
        max(case when from_value = 'implement' then changed_at end) as left_at
    from stage.servicenow_history
    where entity = 'change' and field = 'state'
    group by source, documentkey
),
approved as (
    select source, documentkey, max(changed_at) as approved_at
    from stage.servicenow_history
    where entity = 'change' and field = 'approval' and to_value = 'approved'
    group by source, documentkey
),
decided as (
    select a.source, a.sysapproval, max(h.changed_at) as decided_at
    from stage.servicenow__sysapproval_approver a
    join stage.servicenow_history h
        on h.source = a.source and h.documentkey = a.sys_id and h.field = 'state' and h.to_value = 'approved'
    group by a.source, a.sysapproval
),
reviewed as (
    select source, documentkey, max(changed_at) as reviewed_at
    from stage.servicenow_history
    where entity = 'change' and field in ('review_status', 'review_comments') and original_to is not null
    group by source, documentkey
)
select
    c.source || ':change:' || c.sys_id as change_id,
    c.source,
    c.number,
    c.short_description as title,
    service.name as service,
    c.source || ':service:' || service.service as service_id,
    team.name as team,
    c.source || ':team:' || c.assignment_group as team_id,
    coalesce(type.canonical, 'unknown') as type,
    coalesce(type.label, c.type) as original_type,
    case when c.risk is not null then coalesce(risk.canonical, 'unknown') end as risk,
    coalesce(risk.label, c.risk) as original_risk,
    case when c.priority is not null then coalesce(priority.canonical, 'unknown') end as priority,
    coalesce(state.canonical, 'unknown') as state,
    coalesce(state.label, c.state) as original_state,
    case when c.close_code is not null then coalesce(outcome.canonical, 'unknown') end as outcome,
    coalesce(outcome.label, c.close_code) as original_outcome,
    case when c.approval is not null then coalesce(approval.canonical, 'unknown') end as approval,
    coalesce(approval.label, c.approval) as original_approval,
    coalesce(a.approved_at, case when approval.canonical = 'approved' then d.decided_at end) as approved_at,
    c.source || ':person:' || c.requested_by as requested_by,
    c.source || ':person:' || c.assigned_to as assigned_to,
    coalesce(c.opened_at, c.sys_created_on) as opened_at,
    c.start_date as planned_start_at,
    c.end_date as planned_end_at,
    coalesce(c.work_start, i.entered_at) as actual_start_at,
    coalesce(
        c.work_end,
        case when coalesce(state.canonical, '') <> 'implement' then i.left_at end,
        case when c.work_start is not null or i.entered_at is not null then c.closed_at end
    ) as actual_end_at,
    c.closed_at,
    coalesce(r.reviewed_at, cast(c.review_date as timestamptz) + interval 1 day - interval 1 second) as reviewed_at,
    c.sys_updated_on as updated_at,
    prose.justification,
    prose.assessment,
    prose.implementation_plan,
    prose.backout_plan,
    prose.test_plan,
    prose.review,
    coalesce(c.unauthorized, false) as is_unauthorized,
    coalesce(type.canonical = 'standard', false) and c.std_change_producer_version is not null as is_preapproved,
    c.source || ':configuration_item:' || c.cmdb_ci as configuration_item_id,
    c.evidence_id,
    s.url || '/nav_to.do?uri=change_request.do?sys_id=' || c.sys_id as source_url
from stage.servicenow__change_request c
join stage.source s on s.source = c.source
left join stage.servicenow_service_of service on service.source = c.source and service.sys_id = c.sys_id
left join stage.servicenow_prose prose on prose.source = c.source and prose.sys_id = c.sys_id
left join stage.servicenow__sys_user_group team on team.source = c.source and team.sys_id = c.assignment_group
left join implemented i on i.source = c.source and i.documentkey = c.sys_id
left join approved a on a.source = c.source and a.documentkey = c.sys_id
left join decided d on d.source = c.source and d.sysapproval = c.sys_id
left join reviewed r on r.source = c.source and r.documentkey = c.sys_id
left join stage.servicenow_meaning type
    on type.source = c.source and type.table_name = 'change_request' and type.element = 'type' and type.value = c.type
left join stage.servicenow_meaning risk
    on risk.source = c.source and risk.table_name = 'change_request' and risk.element = 'risk' and risk.value = c.risk
left join stage.servicenow_meaning priority
    on priority.source = c.source and priority.table_name = 'change_request' and priority.element = 'priority'
    and priority.value = c.priority
left join stage.servicenow_meaning state
    on state.source = c.source and state.table_name = 'change_request' and state.element = 'state'
    and state.value = c.state
left join stage.servicenow_meaning outcome
    on outcome.source = c.source and outcome.table_name = 'change_request' and outcome.element = 'close_code'
    and outcome.value = c.close_code
left join stage.servicenow_meaning approval
    on approval.source = c.source and approval.table_name = 'change_request' and approval.element = 'approval'
    and approval.value = c.approval
