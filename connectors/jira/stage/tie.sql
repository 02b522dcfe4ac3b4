-- One row per link and ticket at one of its ends: the other end as this ticket sees it. `is_from`: the type reads from
-- this ticket. Ordered by strength, a plain "relates to" last, then by age (the ids of links are numbers that grow).
with tie as (
    select
        l.source, l.from_id as issue_id, l.from_entity as entity, l.to_id as other_id, l.to_entity as other_entity,
        l.type, true as is_from, l.link_id
    from stage.jira_link l
    union all
    select l.source, l.to_id, l.to_entity, l.from_id, l.from_entity, l.type, false, l.link_id
    from stage.jira_link l
)
select
    t.source,
    t.issue_id,
    t.entity,
    t.other_id,
    t.other_entity,
    t.type,
    t.is_from,
    row_number() over (
        partition by t.source, t.issue_id
        order by t.type = 'relates_to', try_cast(t.link_id as bigint) nulls last, t.link_id, t.is_from
    ) as place
from tie t
