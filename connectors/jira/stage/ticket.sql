-- One row per issue that is an incident, problem or change, with our words for its entity, status and priority. The
-- issue type decides, by its id where the configuration names it, else by its name.
with typed as (
    select
        i.source, i.id, i.key, i.evidence_id, coalesce(by_id.canonical, by_name.canonical) as entity,
        i.status, i.status_id, i.priority, i.summary, i.created, i.updated, i.resolved, i.resolution, i.due,
        coalesce(i.reporter_account, i.reporter_key, i.reporter_name) as reporter,
        coalesce(i.assignee_account, i.assignee_key, i.assignee_name) as assignee,
        i.components, i.services, i.configuration_items, i.team, i.labels
    from stage.jira__issue i
    left join stage.value by_id
        on by_id.source = i.source and by_id.field = 'issue.entity' and by_id.vendor = i.issuetype_id
    left join stage.value by_name
        on by_name.source = i.source and by_name.field = 'issue.entity' and by_name.vendor = i.issuetype
)
select
    t.source, t.id, t.key, t.evidence_id, t.entity, t.status, t.priority, t.summary, t.created, t.updated, t.resolved,
    t.resolution, t.due, t.reporter, t.assignee, t.labels,
    t.source || ':' || t.entity || ':' || t.id as record_id,
    coalesce(state.canonical, plain.canonical, 'unknown') as state,
    case when t.priority is not null then coalesce(priority.canonical, 'unknown') end as canonical_priority,
    coalesce(t.team, t.components[1] ->> '$.name') as team,
    coalesce(t.components[1] ->> '$.id', t.team) as team_key,
    t.services ->> '$[0].name' as service,
    t.services ->> '$[0].id' as service_key,
    coalesce(t.configuration_items ->> '$[0].id', t.configuration_items ->> '$[0].objectId') as item_key,
    s.url || '/browse/' || t.key as source_url
from typed t
join stage.source s on s.source = t.source
left join stage.jira__status known on known.source = t.source and known.id = t.status_id
left join stage.value state
    on state.source = t.source and state.field = t.entity || '.state' and state.vendor = t.status
left join stage.value plain
    on plain.source = t.source and plain.field = t.entity || '.state' and plain.vendor = known.untranslated_name
left join stage.value priority
    on priority.source = t.source and priority.field = 'priority' and priority.vendor = t.priority
where t.entity is not null
