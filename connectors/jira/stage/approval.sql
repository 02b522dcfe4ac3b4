-- One row per approver of an approval step of an issue. The tool tells when a step was decided, not when each approver
-- decided; an approver who was still asked when the step was decided is no longer needed.
with step as (
    select t.source, t.id, t.entity, t.record_id, t.evidence_id, unnest(from_json(i.approvals, '["JSON"]')) as step
    from stage.jira_ticket t
    join stage.jira__issue i on i.source = t.source and i.id = t.id
    where json_type(i.approvals) = 'ARRAY'
),
read as (
    select
        source, id, entity, record_id, evidence_id,
        step ->> '$.id' as step_id,
        step ->> '$.name' as name,
        lower(step ->> '$.finalDecision') as final_decision,
        to_timestamp(try_cast(step ->> '$.createdDate.epochMillis' as double) / 1000) as requested_at,
        to_timestamp(try_cast(step ->> '$.completedDate.epochMillis' as double) / 1000) as completed_at,
        from_json(step, '{"approvers":["JSON"]}') as listed
    from step
),
person as (
    select
        r.source, r.id, r.entity, r.record_id, r.evidence_id, r.step_id, r.name, r.final_decision, r.requested_at,
        r.completed_at, unnest(r.listed.approvers) as approver
    from read r
)
select
    p.source, p.id as issue_id, p.entity, p.record_id, p.evidence_id, p.step_id, p.name, p.final_decision,
    p.requested_at, p.completed_at,
    coalesce(p.approver ->> '$.approver.accountId', p.approver ->> '$.approver.key', p.approver ->> '$.approver.name')
        as approver,
    p.approver ->> '$.approver.displayName' as approver_name,
    p.approver ->> '$.approver.emailAddress' as approver_email,
    lower(p.approver ->> '$.approverDecision') as decision
from person p
