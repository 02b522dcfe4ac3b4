-- One row per approver's decision on a record. An approver who was still asked when the step was decided is no longer
-- needed.
select
    a.source || ':approval:' || a.issue_id || '/' || a.step_id || '/' || coalesce(a.approver, cast(a.place as varchar))
        as approval_id,
    a.source,
    a.record_id,
    a.entity,
    a.name,
    a.source || ':person:' || a.approver as approver_id,
    case
        when state.canonical = 'requested' and final.canonical in ('approved', 'rejected') then 'not_required'
        else coalesce(state.canonical, 'unknown')
    end as state,
    a.decision as original_state,
    a.requested_at,
    case when state.canonical in ('approved', 'rejected') then a.completed_at end as decided_at,
    a.evidence_id,
    a.source_url
from stage.jira_approval a
left join stage.value state
    on state.source = a.source and state.field = 'approval.state' and state.vendor = a.decision
left join stage.value final
    on final.source = a.source and final.field = 'approval.state' and final.vendor = a.final_decision
