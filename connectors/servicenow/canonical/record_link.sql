-- One row per link between two records, in the direction that the type reads. When a reference was filled in, the
-- history tells; one that was there from the start has no time.
with link as (
    select source, 'incident' as from_entity, sys_id as from_key, 'problem' as to_entity, problem_id as to_key,
        'has_problem' as type, 'problem_id' as original_type, evidence_id, cast(null as timestamptz) as created_at
    from stage.servicenow__incident
    where problem_id is not null
    union all
    select source, 'incident', sys_id, 'change', rfc, 'resolved_by', 'rfc', evidence_id, null
    from stage.servicenow__incident
    where rfc is not null
    union all
    select source, 'incident', sys_id, 'change', caused_by, 'caused_by', 'caused_by', evidence_id, null
    from stage.servicenow__incident
    where caused_by is not null
    union all
    select source, 'incident', sys_id, 'incident', parent_incident, 'child_of', 'parent_incident', evidence_id, null
    from stage.servicenow__incident
    where parent_incident is not null
    union all
    select source, 'problem', sys_id, 'change', rfc, 'resolved_by', 'rfc', evidence_id, null
    from stage.servicenow__problem
    where rfc is not null
    union all
    select source, 'problem', sys_id, 'problem', duplicate_of, 'duplicate_of', 'duplicate_of', evidence_id, null
    from stage.servicenow__problem
    where duplicate_of is not null
    union all
    select source, 'incident', sys_id, 'configuration_item', cmdb_ci, 'affects', 'cmdb_ci', evidence_id, null
    from stage.servicenow__incident
    where cmdb_ci is not null
    union all
    select source, 'problem', sys_id, 'configuration_item', cmdb_ci, 'affects', 'cmdb_ci', evidence_id, null
    from stage.servicenow__problem
    where cmdb_ci is not null
    union all
    select source, 'change', sys_id, 'configuration_item', cmdb_ci, 'affects', 'cmdb_ci', evidence_id, null
    from stage.servicenow__change_request
    where cmdb_ci is not null
    union all
    select t.source, e.entity, t.task, 'configuration_item', t.ci_item, 'affects', 'task_ci', t.evidence_id,
        t.sys_created_on
    from stage.servicenow__task_ci t
    join stage.servicenow_entity e on e.source = t.source and e.sys_id = t.task
    where t.ci_item is not null
),
once as (
    select
        source, from_entity, from_key, to_entity, to_key, type,
        max(original_type) as original_type,
        arg_max(evidence_id, (original_type, evidence_id)) as evidence_id,
        min(created_at) as created_at
    from link
    group by source, from_entity, from_key, to_entity, to_key, type
),
made as (
    select source, documentkey, field, newvalue, max(changed_at) as created_at
    from stage.servicenow_history
    where newvalue is not null
    group by source, documentkey, field, newvalue
)
select
    o.source || ':record_link:' || o.from_key || '/' || o.type || '/' || o.to_key as record_link_id,
    o.source,
    o.source || ':' || o.from_entity || ':' || o.from_key as from_id,
    o.from_entity,
    o.source || ':' || o.to_entity || ':' || o.to_key as to_id,
    o.to_entity,
    o.type,
    o.original_type,
    coalesce(o.created_at, m.created_at) as created_at,
    o.evidence_id,
    s.url || '/nav_to.do?uri=task.do?sys_id=' || o.from_key as source_url
from once o
join stage.source s on s.source = o.source
left join made m
    on m.source = o.source and m.documentkey = o.from_key and m.field = o.original_type and m.newvalue = o.to_key
