-- One row per recorded change of one field of a record.
select
    h.source || ':status_change:' || h.item_key as status_change_id,
    h.source,
    h.record_id,
    h.entity,
    h.field,
    h.from_value,
    h.to_value,
    h.original_from,
    h.original_to,
    h.changed_at,
    coalesce(h.source || ':person:' || h.author, h.author_display) as changed_by,
    h.evidence_id,
    e.source_url
from stage.jira_history h
join stage.jira_entity e on e.source = h.source and e.id = h.issue_id
