-- One row per incident. The times of closing and the number of reopenings come from the history: the tool keeps neither.
with moved as (
    select
        source, issue_id,
        max(case when to_value in ('closed', 'cancelled') then changed_at end) as closed_at,
        count(case
            when from_value in ('resolved', 'closed') and to_value not in ('resolved', 'closed', 'cancelled') then 1
        end) as reopened_count,
        arg_max(author, case when to_value in ('resolved', 'closed') then changed_at end) as resolver
    from stage.jira_history
    where entity = 'incident' and field = 'state'
    group by source, issue_id
),
linked as (
    select
        source, to_id as issue_id,
        max(case when kind = 'causes' and from_entity = 'problem' then from_id end) as problem,
        max(case when kind = 'causes' and from_entity = 'change' then from_id end) as cause,
        null as change,
        null as parent
    from stage.jira_link
    where to_entity = 'incident'
    group by source, to_id
    union all
    select
        source, from_id, max(case when to_entity = 'problem' then to_id end), null,
        max(case when to_entity = 'change' then to_id end),
        max(case when kind = 'duplicates' and to_entity = 'incident' then to_id end)
    from stage.jira_link
    where from_entity = 'incident' and kind in ('relates', 'duplicates')
    group by source, from_id
),
link as (
    select
        source, issue_id, max(problem) as problem, max(cause) as cause, max(change) as change, max(parent) as parent
    from linked
    group by source, issue_id
)
select
    t.record_id as incident_id,
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
    t.labels[1] ->> '$' as category,
    t.resolution as resolution_code,
    t.created as opened_at,
    case when t.state in ('resolved', 'closed') then t.resolved end as resolved_at,
    case when t.state in ('closed', 'cancelled') then coalesce(m.closed_at, t.resolved) end as closed_at,
    t.updated as updated_at,
    coalesce(m.reopened_count, 0) as reopened_count,
    coalesce(i.major_incident, 'No') not in ('No', '[]') as is_major,
    t.source || ':person:' || t.reporter as requester_id,
    t.source || ':person:' || t.assignee as assignee_id,
    t.source || ':person:' || m.resolver as resolver_id,
    t.source || ':configuration_item:' || t.item_key as configuration_item_id,
    t.source || ':incident:' || l.parent as parent_incident_id,
    t.source || ':problem:' || l.problem as problem_id,
    t.source || ':change:' || l.change as change_id,
    t.source || ':change:' || l.cause as caused_by_change_id,
    t.evidence_id,
    t.source_url
from stage.jira_ticket t
join stage.jira__issue i on i.source = t.source and i.id = t.id
left join moved m on m.source = t.source and m.issue_id = t.id
left join link l on l.source = t.source and l.issue_id = t.id
where t.entity = 'incident'
