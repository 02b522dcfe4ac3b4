-- One row per object that an issue names: its name and class are in Assets, which is not read yet.
with named as (
    select
        t.source, t.evidence_id, t.updated, t.created,
        unnest(from_json(i.configuration_items, '["JSON"]')) as item
    from stage.jira_ticket t
    join stage.jira__issue i on i.source = t.source and i.id = t.id
    where json_type(i.configuration_items) = 'ARRAY'
),
keyed as (
    select source, evidence_id, updated, created, coalesce(item ->> '$.id', item ->> '$.objectId') as key
    from named
)
select
    k.source || ':configuration_item:' || k.key as configuration_item_id,
    k.source,
    'object ' || split_part(k.key, ':', -1) as name,
    min(k.created) as created_at,
    arg_max(k.evidence_id, k.updated) as evidence_id
from keyed k
where k.key is not null
group by k.source, k.key
