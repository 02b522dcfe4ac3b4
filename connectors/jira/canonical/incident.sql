-- One row per incident. The times of closing and the number of reopenings come from the history: the tool keeps neither.
with tied as (
    select
        source, issue_id,
        arg_min(other_id, place) filter (where other_entity = 'problem') as problem,
        arg_min(other_id, place) filter (where other_entity = 'change' and type = 'caused_by' and is_from) as cause,
        arg_min(other_id, place)
            filter (where other_entity = 'change' and not (type = 'caused_by' and is_from)) as change,
        arg_min(other_id, place)
            filter (where other_entity = 'incident' and type in ('child_of', 'duplicate_of') and is_from) as parent
    from stage.jira_tie
    where entity = 'incident'
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
    case when t.state <> 'cancelled' then t.resolved end as resolved_at,
    case
        when t.state in ('closed', 'cancelled') then coalesce(m.closed_at, t.resolved)
        when t.state = 'unknown' and t.status_category = 'done' then t.resolved
    end as closed_at,
    t.updated as updated_at,
    coalesce(m.reopened_count, 0) as reopened_count,
    t.is_flagged as is_major,
    t.source || ':person:' || t.reporter as requester_id,
    t.source || ':person:' || t.assignee as assignee_id,
    t.source || ':person:' || m.resolver as resolver_id,
    t.source || ':configuration_item:' || item.item_key as configuration_item_id,
    t.source || ':incident:' || l.parent as parent_incident_id,
    t.source || ':problem:' || l.problem as problem_id,
    t.source || ':change:' || l.change as change_id,
    t.source || ':change:' || l.cause as caused_by_change_id,
    t.evidence_id,
    t.source_url
from stage.jira_ticket t
left join stage.jira_moved m on m.source = t.source and m.issue_id = t.id
left join stage.jira_item item on item.source = t.source and item.issue_id = t.id and item.place = 1
left join tied l on l.source = t.source and l.issue_id = t.id
where t.entity = 'incident'
