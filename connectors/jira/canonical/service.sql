-- One row per service that an issue names as affected: the tool keeps the list elsewhere.
with listed as (
    select i.source, i.evidence_id, i.updated, i.services
    from stage.jira__issue i
    where json_type(i.services) = 'ARRAY'
),
named as (
    select
        l.source, l.evidence_id, l.updated,
        unnest(from_json(l.services, '[{"id": "VARCHAR", "name": "VARCHAR"}]')) as service
    from listed l
)
select
    n.source || ':service:' || n.service."id" as service_id,
    n.source,
    arg_max(n.service."name", (n.updated, n.evidence_id)) filter (where n.service."name" is not null) as name,
    arg_max(n.evidence_id, (n.updated, n.evidence_id)) as evidence_id
from named n
where n.service."id" is not null
group by n.source, n.service."id"
