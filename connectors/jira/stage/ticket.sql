-- One row per issue that is an incident, problem or change, with our words for its status, priority and flags. A team
-- field comes before the first component. A flag is a choice, or a list with at most one.
select
    e.source,
    e.id,
    e.key,
    e.entity,
    e.record_id,
    e.source_url,
    e.evidence_id,
    coalesce(known.canonical, state.canonical, 'unknown') as state,
    i.status,
    i.status_category,
    case when i.priority is not null then coalesce(priority.canonical, 'unknown') end as canonical_priority,
    i.priority,
    i.summary,
    i.created,
    i.updated,
    i.resolved,
    i.resolution,
    i.due,
    coalesce(i.reporter_account, i.reporter_key, i.reporter_name) as reporter,
    coalesce(i.assignee_account, i.assignee_key, i.assignee_name) as assignee,
    i.labels,
    coalesce(i.team, i.components[1] ->> '$.name') as team,
    coalesce(i.team, i.components[1] ->> '$.id') as team_key,
    i.services ->> '$[0].name' as service,
    i.services ->> '$[0].id' as service_key,
    coalesce(flag.canonical = 'true', false) as is_flagged,
    i.change_type,
    i.change_risk,
    i.change_reason,
    i.change_outcome,
    i.planned_start,
    i.planned_end,
    i.actual_start,
    i.actual_end,
    i.reviewed_at
from stage.jira_entity e
join stage.jira__issue i on i.source = e.source and i.id = e.id
left join stage.jira_state known
    on known.source = e.source and known.entity = e.entity and known.status_id = i.status_id
left join stage.value state
    on state.source = e.source and state.field = e.entity || '.state' and state.vendor = i.status
left join stage.value priority
    on priority.source = e.source and priority.field = 'priority' and priority.vendor = i.priority
left join stage.value flag
    on flag.source = e.source
    and flag.field = case e.entity
        when 'incident' then 'incident.is_major'
        when 'problem' then 'problem.is_known_error'
        else 'change.is_unauthorized'
    end
    and flag.vendor = case e.entity
        when 'incident' then coalesce(try(i.major_incident ->> '$[0].value'), i.major_incident)
        when 'problem' then coalesce(try(i.known_error ->> '$[0].value'), i.known_error)
        else coalesce(try(i.unauthorized ->> '$[0].value'), i.unauthorized)
    end
where e.entity in ('incident', 'problem', 'change')
