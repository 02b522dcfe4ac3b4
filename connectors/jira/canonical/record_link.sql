-- One row per link between two records, in the direction that the type reads.
with link as (
    select
        l.source, l.link_id as key, l.original_type, l.evidence_id,
        case when l.kind = 'causes' then l.to_id else l.from_id end as from_key,
        case when l.kind = 'causes' then l.to_entity else l.from_entity end as from_entity,
        case when l.kind = 'causes' then l.from_id else l.to_id end as to_key,
        case when l.kind = 'causes' then l.from_entity else l.to_entity end as to_entity,
        case
            when l.kind = 'causes' and l.from_entity = 'problem' then 'has_problem'
            when l.kind = 'causes' then 'caused_by'
            when l.kind = 'duplicates' then 'duplicate_of'
            else 'relates_to'
        end as type
    from stage.jira_link l
    union all
    select
        t.source,
        t.id || '/affects/' || coalesce(named.item ->> '$.id', named.item ->> '$.objectId') as key,
        'affects' as original_type,
        t.evidence_id, t.id, t.entity,
        coalesce(named.item ->> '$.id', named.item ->> '$.objectId') as to_key,
        'configuration_item', 'affects'
    from (
        select i.source, i.id, unnest(from_json(i.configuration_items, '["JSON"]')) as item
        from stage.jira__issue i
        where json_type(i.configuration_items) = 'ARRAY'
    ) named
    join stage.jira_ticket t on t.source = named.source and t.id = named.id
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
    min(l.evidence_id) as evidence_id
from link l
where l.to_key is not null
group by l.source, l.key, l.from_entity, l.from_key, l.to_entity, l.to_key, l.type, l.original_type
