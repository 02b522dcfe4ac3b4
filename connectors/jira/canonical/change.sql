-- One row per change. Its approval is that of all its steps, but for a refused step that was asked for anew later. A
-- standard change that nobody was asked to approve is taken as pre-approved: the tool has no model behind it.
with step as (
    select s.source, s.issue_id, s.requested_at, s.completed_at, s.final_decision, state.canonical as decision
    from stage.jira_step s
    left join stage.value state
        on state.source = s.source and state.field = 'approval.state' and state.vendor = s.final_decision
    where s.entity = 'change'
),
asked as (
    select
        source, issue_id,
        max(case when decision <> 'rejected' then requested_at end) as last_asked_at,
        arg_max(final_decision, (requested_at, completed_at, final_decision)) as original_approval
    from step
    group by source, issue_id
),
decided as (
    select
        s.source, s.issue_id, a.original_approval,
        case
            when bool_or(s.decision = 'rejected' and not coalesce(s.completed_at <= a.last_asked_at, false))
                then 'rejected'
            when bool_or(s.decision = 'requested') then 'requested'
            when bool_or(s.decision is null) then 'unknown'
            else 'approved'
        end as approval,
        max(case when s.decision = 'approved' then s.completed_at end) as approved_at
    from step s
    join asked a on a.source = s.source and a.issue_id = s.issue_id
    group by s.source, s.issue_id, a.original_approval
),
reviewed as (
    select source, issue_id, max(changed_at) as reviewed_at
    from stage.jira_history
    where entity = 'change' and field = 'review' and original_to is not null
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
    t.change_type as original_type,
    case when t.change_risk is not null then coalesce(risk.canonical, 'unknown') end as risk,
    t.change_risk as original_risk,
    t.canonical_priority as priority,
    t.state,
    t.status as original_state,
    case when t.change_outcome is not null then coalesce(outcome.canonical, 'unknown') else told.canonical end
        as outcome,
    coalesce(t.change_outcome, case when told.canonical is not null then t.status end) as original_outcome,
    d.approval,
    d.original_approval,
    case when d.approval = 'approved' then d.approved_at end as approved_at,
    t.source || ':person:' || t.reporter as requested_by,
    t.source || ':person:' || t.assignee as assigned_to,
    t.created as opened_at,
    t.planned_start as planned_start_at,
    t.planned_end as planned_end_at,
    coalesce(t.actual_start, m.implement_entered_at) as actual_start_at,
    coalesce(
        t.actual_end,
        case when t.state <> 'implement' then m.implement_left_at end,
        case when t.state = 'closed' and coalesce(t.actual_start, m.implement_entered_at) is not null
            then coalesce(m.closed_at, t.resolved) end
    ) as actual_end_at,
    case
        when t.state in ('closed', 'cancelled') then coalesce(m.closed_at, t.resolved)
        when t.state = 'unknown' and t.status_category = 'done' then t.resolved
    end as closed_at,
    coalesce(t.reviewed_at, r.reviewed_at) as reviewed_at,
    t.updated as updated_at,
    t.change_reason as justification,
    p.assessment,
    p.implementation_plan,
    p.backout_plan,
    p.test_plan,
    p.review,
    t.is_flagged as is_unauthorized,
    coalesce(type.canonical = 'standard', false) and d.issue_id is null as is_preapproved,
    t.source || ':configuration_item:' || item.item_key as configuration_item_id,
    t.evidence_id,
    t.source_url
from stage.jira_ticket t
left join stage.jira_prose p on p.source = t.source and p.id = t.id
left join stage.jira_moved m on m.source = t.source and m.issue_id = t.id
left join stage.jira_item item on item.source = t.source and item.issue_id = t.id and item.place = 1
left join decided d on d.source = t.source and d.issue_id = t.id
left join reviewed r on r.source = t.source and r.issue_id = t.id
left join stage.value type
    on type.source = t.source and type.field = 'change.type' and type.vendor = t.change_type
left join stage.value risk
    on risk.source = t.source and risk.field = 'change.risk' and risk.vendor = t.change_risk
left join stage.value outcome
    on outcome.source = t.source and outcome.field = 'change.outcome' and outcome.vendor = t.change_outcome
left join stage.value told
    on told.source = t.source and told.field = 'change.outcome#status' and told.vendor = t.status
where t.entity = 'change'
