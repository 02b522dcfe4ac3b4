-- One row per problem. A due date ends with its day (UTC). The tool has one resolution for "accepted" and "given up": a
-- cancelled problem was given up.
with tied as (
    select
        source, issue_id,
        arg_min(other_id, place)
            filter (where other_entity = 'change' and not (type = 'caused_by' and is_from)) as change
    from stage.jira_tie
    where entity = 'problem'
    group by source, issue_id
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
    case
        when t.resolution is null then null
        when t.state = 'cancelled' then 'cancelled'
        else coalesce(code.canonical, 'unknown')
    end as resolution_code,
    t.resolution as original_resolution_code,
    t.is_flagged as is_known_error,
    p.root_cause,
    p.workaround,
    p.fix,
    t.created as opened_at,
    case when t.state <> 'cancelled' then t.resolved end as resolved_at,
    case
        when t.state in ('closed', 'cancelled') then coalesce(m.closed_at, t.resolved)
        when t.state = 'unknown' and t.status_category = 'done' then t.resolved
    end as closed_at,
    cast(t.due as timestamptz) + interval 1 day as due_at,
    t.updated as updated_at,
    t.source || ':person:' || t.assignee as assignee_id,
    t.source || ':configuration_item:' || item.item_key as configuration_item_id,
    t.source || ':change:' || l.change as change_id,
    t.evidence_id,
    t.source_url
from stage.jira_ticket t
left join stage.jira_prose p on p.source = t.source and p.id = t.id
left join stage.jira_moved m on m.source = t.source and m.issue_id = t.id
left join stage.jira_item item on item.source = t.source and item.issue_id = t.id and item.place = 1
left join tied l on l.source = t.source and l.issue_id = t.id
left join stage.value code
    on code.source = t.source and code.field = 'problem.resolution_code' and code.vendor = t.resolution
where t.entity = 'problem'
