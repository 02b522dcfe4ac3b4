-- One row per approver of an approval step; a step that names none is one row without an approver. The tool tells when
-- a step was decided, not when each approver decided.
with asked as (
    select
        s.source, s.issue_id, s.entity, s.record_id, s.source_url, s.evidence_id, s.step_id, s.name, s.final_decision,
        s.requested_at, s.completed_at,
        case when len(s.approvers) > 0 then s.approvers else [cast(null as json)] end as approvers
    from stage.jira_step s
),
answered as (
    select
        a.source, a.issue_id, a.entity, a.record_id, a.source_url, a.evidence_id, a.step_id, a.name, a.final_decision,
        a.requested_at, a.completed_at,
        unnest(a.approvers) as approver,
        generate_subscripts(a.approvers, 1) as place
    from asked a
)
select
    a.source,
    a.issue_id,
    a.entity,
    a.record_id,
    a.source_url,
    a.evidence_id,
    a.step_id,
    a.place,
    a.name,
    a.final_decision,
    a.requested_at,
    a.completed_at,
    coalesce(a.approver ->> '$.approver.accountId', a.approver ->> '$.approver.key', a.approver ->> '$.approver.name')
        as approver,
    a.approver ->> '$.approver.displayName' as approver_name,
    a.approver ->> '$.approver.emailAddress' as approver_email,
    try_cast(a.approver ->> '$.approver.active' as boolean) as approver_active,
    coalesce(lower(a.approver ->> '$.approverDecision'), a.final_decision) as decision
from answered a
