-- One row per approval step of an issue, asked of one or more approvers.
with listed as (
    select e.source, e.id, e.entity, e.record_id, e.source_url, e.evidence_id, i.approvals
    from stage.jira_entity e
    join stage.jira__issue i on i.source = e.source and i.id = e.id
    where json_type(i.approvals) = 'ARRAY'
),
parsed as (
    select
        l.source, l.id, l.entity, l.record_id, l.source_url, l.evidence_id,
        from_json(l.approvals, '[{
            "id": "VARCHAR",
            "name": "VARCHAR",
            "finalDecision": "VARCHAR",
            "createdDate": {"epochMillis": "DOUBLE"},
            "completedDate": {"epochMillis": "DOUBLE"},
            "approvers": ["JSON"]
        }]') as steps
    from listed l
),
step as (
    select
        p.source, p.id, p.entity, p.record_id, p.source_url, p.evidence_id,
        unnest(p.steps) as step,
        generate_subscripts(p.steps, 1) as place
    from parsed p
)
select
    s.source,
    s.id as issue_id,
    s.entity,
    s.record_id,
    s.source_url,
    s.evidence_id,
    coalesce(s.step."id", 'step ' || s.place) as step_id,
    s.step."name" as name,
    lower(s.step."finalDecision") as final_decision,
    to_timestamp(s.step."createdDate"."epochMillis" / 1000) as requested_at,
    to_timestamp(s.step."completedDate"."epochMillis" / 1000) as completed_at,
    s.step."approvers" as approvers
from step s
where s.step is not null
