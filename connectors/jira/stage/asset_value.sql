-- One row per value of an attribute of an object in Assets, with the column of ours that the attribute's name stands for
-- and the object that it refers to. The key of an object is what issues call it: workspace and id on Cloud, else its
-- key.
with listed as (
    select
        o.source, o.evidence_id,
        coalesce(o.workspace_id || ':' || o.id, o.key) as item_key,
        coalesce(o.workspace_id || ':', '') as prefix,
        unnest(o.attributes) as attribute
    from stage.jira__asset_object o
),
valued as (
    select
        l.source, l.evidence_id, l.item_key, l.prefix,
        l.attribute ->> '$.objectTypeAttributeId' as attribute_id,
        unnest(from_json(l.attribute -> '$.objectAttributeValues', '["JSON"]')) as value,
        generate_subscripts(from_json(l.attribute -> '$.objectAttributeValues', '["JSON"]'), 1) as place
    from listed l
    where json_type(l.attribute -> '$.objectAttributeValues') = 'ARRAY'
),
named as (
    select source, id, min(name) as name, min(type) as type
    from stage.jira__asset_attribute
    group by source, id
),
meant as (
    select n.source, n.id, min(v.canonical) as canonical
    from named n
    join stage.value v
        on v.source = n.source and v.field = 'asset.attribute' and lower(v.vendor) = lower(n.name)
    group by n.source, n.id
)
select
    v.source,
    v.item_key,
    v.evidence_id,
    v.attribute_id,
    v.place,
    n.name,
    n.type,
    m.canonical as meaning,
    coalesce(v.value ->> '$.displayValue', v.value ->> '$.value') as shown,
    v.value ->> '$.value' as plain,
    coalesce(v.value ->> '$.status.name', v.value ->> '$.displayValue', v.value ->> '$.value') as status,
    coalesce(v.value ->> '$.user.accountId', v.value ->> '$.user.key', v.value ->> '$.user.name') as person,
    case
        when v.value ->> '$.referencedObject.id' is not null
            then coalesce(
                v.value ->> '$.referencedObject.globalId',
                nullif(v.prefix, '') || (v.value ->> '$.referencedObject.id'),
                v.value ->> '$.referencedObject.objectKey'
            )
    end as other_key
from valued v
left join named n on n.source = v.source and n.id = v.attribute_id
left join meant m on m.source = v.source and m.id = v.attribute_id
