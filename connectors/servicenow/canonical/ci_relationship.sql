-- One row per relation between two configuration items.
select
    r.source || ':ci_relationship:' || r.sys_id as ci_relationship_id,
    r.source,
    r.source || ':configuration_item:' || r.parent as parent_id,
    r.source || ':configuration_item:' || r.child as child_id,
    r.type,
    r.sys_created_on as created_at,
    r.evidence_id,
    s.url || '/nav_to.do?uri=cmdb_rel_ci.do?sys_id=' || r.sys_id as source_url
from stage.servicenow__cmdb_rel_ci r
join stage.source s on s.source = r.source
