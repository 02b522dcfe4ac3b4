-- One row per link between two records, in the direction that the type reads. When a link was made, the history of one
-- of its ends tells, which names the other end by its key.
with made as (
    select source, issue_id, to_id as other_key, max(changed_at) as created_at
    from stage.jira_history
    where field = 'Link' and to_id is not null
    group by source, issue_id, to_id
),
link as (
    select
        l.source, l.link_id as key, l.type, l.original_type, l.from_id as from_key, l.from_entity, l.to_id as to_key,
        l.to_entity, coalesce(here.created_at, there.created_at) as created_at, l.evidence_id
    from stage.jira_link l
    left join stage.jira_entity ours on ours.source = l.source and ours.id = l.from_id
    left join stage.jira_entity theirs on theirs.source = l.source and theirs.id = l.to_id
    left join made here on here.source = l.source and here.issue_id = l.from_id and here.other_key = theirs.key
    left join made there on there.source = l.source and there.issue_id = l.to_id and there.other_key = ours.key
    union all
    select
        i.source, i.issue_id || '/affects/' || i.item_key, 'affects', cast(null as varchar), i.issue_id, i.entity,
        i.item_key, 'configuration_item', cast(null as timestamptz), min(i.evidence_id)
    from stage.jira_item i
    where i.entity in ('incident', 'problem', 'change')
    group by i.source, i.issue_id, i.entity, i.item_key
)
select
    l.source || ':record_link:' || l.key as record_link_id,
    l.source,
    l.source || ':' || l.from_entity || ':' || l.from_key as from_id,
    l.from_entity,
    l.source || ':' || l.to_entity || ':' || l.to_key as to_id,
    l.to_entity,
    l.type,
    l.original_type,
    l.created_at,
    l.evidence_id,
    e.source_url
from link l
left join stage.jira_entity e on e.source = l.source and e.id = l.from_key
