-- One row per recorded change of a field of the record, oldest first.
select
    s.field, s.from_value, s.to_value, s.original_from, s.original_to, s.changed_at,
    coalesce(person.name, s.changed_by) as changed_by, s.evidence_id, e.record_sha256
from canonical.status_change s
left join canonical.person person on person.person_id = s.changed_by
left join audit.evidence e on e.evidence_id = s.evidence_id
where s.record_id = $change_id
order by s.changed_at, s.status_change_id
