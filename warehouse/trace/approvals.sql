-- One row per approver's decision on the change, in order of the request.
select
    coalesce(approver.name, a.approver_id) as approver, a.state, a.original_state, a.requested_at, a.decided_at,
    a.evidence_id, e.record_sha256
from canonical.approval a
left join canonical.person approver on approver.person_id = a.approver_id
left join audit.evidence e on e.evidence_id = a.evidence_id
where a.record_id = $change_id
order by a.requested_at, a.decided_at, a.approval_id
