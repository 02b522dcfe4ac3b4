-- One row per object of the asset register that an issue names: an object with its ids on Cloud, and on Data Center a
-- text like `Web server 7 (CMDB-12)`.
with listed as (
    select e.source, e.id, e.entity, e.record_id, e.evidence_id, i.updated, i.configuration_items
    from stage.jira_entity e
    join stage.jira__issue i on i.source = e.source and i.id = e.id
    where json_type(i.configuration_items) = 'ARRAY'
),
object as (
    select
        l.source, l.id, l.entity, l.record_id, l.evidence_id, l.updated,
        unnest(from_json(l.configuration_items, '["JSON"]')) as object,
        generate_subscripts(from_json(l.configuration_items, '["JSON"]'), 1) as place
    from listed l
),
told as (
    select
        o.source, o.id, o.entity, o.record_id, o.evidence_id, o.updated, o.place,
        coalesce(
            o.object ->> '$.id',
            (o.object ->> '$.workspaceId') || ':' || (o.object ->> '$.objectId'),
            o.object ->> '$.objectId'
        ) as object_id,
        coalesce(o.object ->> '$.label', o.object ->> '$.name') as label,
        case when json_type(o.object) = 'VARCHAR' then o.object ->> '$' end as text
    from object o
)
select
    t.source,
    t.id as issue_id,
    t.entity,
    t.record_id,
    t.evidence_id,
    t.updated,
    t.place,
    coalesce(t.object_id, nullif(regexp_extract(t.text, '\(([^()\s]+-\d+)\)$', 1), ''), t.text) as item_key,
    coalesce(t.label, trim(regexp_replace(t.text, '\s*\([^()\s]+-\d+\)$', ''))) as name
from told t
where coalesce(t.object_id, t.text) is not null
