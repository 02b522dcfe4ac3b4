-- One row per change. A standard change is taken as pre-approved: the tool has no model behind it. The approval of the
-- change as a whole is that of all its steps.
with moved as (
    select
        source, issue_id,
        max(case when to_value in ('closed', 'cancelled') then changed_at end) as closed_at,
        min(case when to_value = 'implement' then changed_at end) as entered_at,
        max(case when from_value = 'implement' then changed_at end) as left_at,
        max(case when field = 'post_implementation_review' and original_to is not null then changed_at end)
            as reviewed_at
    from stage.jira_history
    where entity = 'change'
    group by source, issue_id
),
decided as (
    select
        source, issue_id,
        bool_or(final_decision = 'declined') as is_declined,
        bool_and(final_decision = 'approved') as is_approved,
        max(completed_at) as completed_at
    from stage.jira_approval
    where entity = 'change'
    group by source, issue_id
)
select
    t.record_id as change_id,
    t.source,
    t.key as number,
    t.summary as title,
    t.service,
    t.source || ':service:' || t.service_key as service_id,
    t.team,
    t.source || ':team:' || t.team_key as team_id,
    coalesce(type.canonical, 'unknown') as type,
    i.change_type as original_type,
    case when i.change_risk is not null then coalesce(risk.canonical, 'unknown') end as risk,
    i.change_risk as original_risk,
    t.canonical_priority as priority,
    t.state,
    t.status as original_state,
    case when i.change_outcome is not null then coalesce(outcome.canonical, 'unknown') end as outcome,
    i.change_outcome as original_outcome,
    case
        when d.is_declined then 'rejected'
        when d.is_approved then 'approved'
        when d.issue_id is not null then 'requested'
    end as approval,
    case when d.is_approved and not d.is_declined then d.completed_at end as approved_at,
    t.source || ':person:' || t.reporter as requested_by,
    t.source || ':person:' || t.assignee as assigned_to,
    t.created as opened_at,
    i.planned_start as planned_start_at,
    i.planned_end as planned_end_at,
    coalesce(i.actual_start, m.entered_at) as actual_start_at,
    coalesce(
        i.actual_end, m.left_at,
        case when i.actual_start is not null or m.entered_at is not null
            then case when t.state = 'closed' then coalesce(m.closed_at, t.resolved) end end
    ) as actual_end_at,
    case when t.state in ('closed', 'cancelled') then coalesce(m.closed_at, t.resolved) end as closed_at,
    coalesce(i.reviewed_at, m.reviewed_at) as reviewed_at,
    t.updated as updated_at,
    i.change_reason as justification,
    p.assessment,
    p.implementation_plan,
    p.backout_plan,
    p.test_plan,
    p.review,
    coalesce(i.unauthorized = 'Yes', false) as is_unauthorized,
    coalesce(type.canonical = 'standard', false) as is_preapproved,
    t.source || ':configuration_item:' || t.item_key as configuration_item_id,
    t.evidence_id,
    t.source_url
from stage.jira_ticket t
join stage.jira__issue i on i.source = t.source and i.id = t.id
left join stage.jira_prose p on p.source = t.source and p.id = t.id
left join moved m on m.source = t.source and m.issue_id = t.id
left join decided d on d.source = t.source and d.issue_id = t.id
left join stage.value type
    on type.source = t.source and type.field = 'change.type' and type.vendor = i.change_type
left join stage.value risk
    on risk.source = t.source and risk.field = 'change.risk' and risk.vendor = i.change_risk
left join stage.value outcome
    on outcome.source = t.source and outcome.field = 'change.outcome' and outcome.vendor = i.change_outcome
where t.entity = 'change'
