-- One row per problem.
with moved as (
    select
        source, issue_id,
        max(case when to_value in ('closed', 'cancelled') then changed_at end) as closed_at
    from stage.jira_history
    where entity = 'problem' and field = 'state'
    group by source, issue_id
),
linked as (
    select source, from_id as issue_id, max(to_id) as change
    from stage.jira_link
    where from_entity = 'problem' and to_entity = 'change'
    group by source, from_id
)
select
    t.record_id as problem_id,
    t.source,
    t.key as number,
    t.summary as title,
    t.service,
    t.source || ':service:' || t.service_key as service_id,
    t.team,
    t.source || ':team:' || t.team_key as team_id,
    t.canonical_priority as priority,
    t.priority as original_priority,
    t.state,
    t.status as original_state,
    case when t.resolution is not null then coalesce(code.canonical, 'unknown') end as resolution_code,
    t.resolution as original_resolution_code,
    coalesce(i.known_error = 'Yes', false) as is_known_error,
    p.root_cause,
    p.workaround,
    p.fix,
    t.created as opened_at,
    case when t.state in ('resolved', 'closed') then t.resolved end as resolved_at,
    case when t.state in ('closed', 'cancelled') then coalesce(m.closed_at, t.resolved) end as closed_at,
    cast(t.due as timestamptz) as due_at,
    t.updated as updated_at,
    t.source || ':person:' || t.assignee as assignee_id,
    t.source || ':configuration_item:' || t.item_key as configuration_item_id,
    t.source || ':change:' || l.change as change_id,
    t.evidence_id,
    t.source_url
from stage.jira_ticket t
join stage.jira__issue i on i.source = t.source and i.id = t.id
left join stage.jira_prose p on p.source = t.source and p.id = t.id
left join moved m on m.source = t.source and m.issue_id = t.id
left join linked l on l.source = t.source and l.issue_id = t.id
left join stage.value code
    on code.source = t.source and code.field = 'problem.resolution_code' and code.vendor = t.resolution
where t.entity = 'problem'
