-- One row per record linked to the change, with how, and the hash of the linked record's own evidence.
with links as (
    select to_id as record_id, to_entity as entity, type, false as is_reverse, evidence_id
    from canonical.record_link
    where from_id = $change_id
    union
    select from_id as record_id, from_entity as entity, type, true as is_reverse, evidence_id
    from canonical.record_link
    where to_id = $change_id
),
known as (
    select incident_id as record_id, number, title, state, evidence_id, source_url from canonical.incident
    union all
    select problem_id as record_id, number, title, state, evidence_id, source_url from canonical.problem
    union all
    select change_id as record_id, number, title, state, evidence_id, source_url from canonical.change
    union all
    select
        configuration_item_id as record_id, name as number, class as title, status as state, evidence_id, source_url
    from canonical.configuration_item
)
select
    l.entity, l.type, l.is_reverse, l.record_id, k.number, k.title, k.state, k.record_id is not null as is_known,
    coalesce(k.evidence_id, l.evidence_id) as evidence_id, e.record_sha256, k.source_url
from links l
left join known k on k.record_id = l.record_id
left join audit.evidence e on e.evidence_id = coalesce(k.evidence_id, l.evidence_id)
order by l.entity, k.number, l.type, l.record_id
