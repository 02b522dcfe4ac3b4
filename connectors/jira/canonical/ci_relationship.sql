-- One row per reference from one object in Assets to another, called like the attribute that holds it. Assets does not
-- tell since when.
with referred as (
    select
        a.source, a.item_key, a.attribute_id, a.other_key,
        min(a.name) as name,
        min(a.evidence_id) as evidence_id
    from stage.jira_asset_value a
    where a.other_key is not null
    group by a.source, a.item_key, a.attribute_id, a.other_key
)
select
    r.source || ':ci_relationship:' || r.item_key || '/' || r.attribute_id || '/' || r.other_key as ci_relationship_id,
    r.source,
    r.source || ':configuration_item:' || r.item_key as parent_id,
    r.source || ':configuration_item:' || r.other_key as child_id,
    r.name as type,
    r.evidence_id
from referred r
