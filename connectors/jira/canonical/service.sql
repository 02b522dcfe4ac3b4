-- One row per service that an issue names as affected: the tool keeps the list elsewhere.
with named as (
    select t.source, t.id, t.evidence_id, t.updated, t.created, unnest(from_json(i.services, '["JSON"]')) as service
    from stage.jira_ticket t
    join stage.jira__issue i on i.source = t.source and i.id = t.id
    where json_type(i.services) = 'ARRAY'
)
select
    n.source || ':service:' || (n.service ->> '$.id') as service_id,
    n.source,
    arg_max(n.service ->> '$.name', n.updated) as name,
    min(n.created) as created_at,
    arg_max(n.evidence_id, n.updated) as evidence_id
from named n
where n.service ->> '$.id' is not null
group by n.source, n.service ->> '$.id'
