-- One row per approver's decision on a record.
select
    a.source || ':approval:' || a.issue_id || '/' || a.step_id || '/' || coalesce(a.approver, '?') as approval_id,
    a.source,
    a.record_id,
    a.entity,
    a.name,
    a.source || ':person:' || a.approver as approver_id,
    case
        when a.decision = 'pending' and a.final_decision <> 'pending' then 'not_required'
        else coalesce(state.canonical, 'unknown')
    end as state,
    a.decision as original_state,
    a.requested_at,
    case when a.decision in ('approved', 'declined') then a.completed_at end as decided_at,
    a.evidence_id,
    t.source_url
from stage.jira_approval a
join stage.jira_ticket t on t.source = a.source and t.id = a.issue_id
left join stage.value state
    on state.source = a.source and state.field = 'approval.state' and state.vendor = a.decision
