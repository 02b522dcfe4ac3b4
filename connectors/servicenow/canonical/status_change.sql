-- One row per recorded change of one field of a record.
select
    h.source || ':status_change:' || h.sys_id as status_change_id,
    h.source,
    h.source || ':' || h.entity || ':' || h.documentkey as record_id,
    h.entity,
    h.field,
    h.from_value,
    h.to_value,
    h.original_from,
    h.original_to,
    h.changed_at,
    coalesce(h.source || ':person:' || u.sys_id, h.changed_by) as changed_by,
    h.evidence_id,
    s.url || '/nav_to.do?uri=sys_audit.do?sys_id=' || h.sys_id as source_url
from stage.servicenow_history h
join stage.source s on s.source = h.source
left join (
    select source, user_name, min(sys_id) as sys_id
    from stage.servicenow__sys_user
    group by source, user_name
) u on u.source = h.source and u.user_name = h.changed_by
