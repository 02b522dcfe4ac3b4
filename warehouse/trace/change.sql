-- One row per change with this number: the record, the names behind its ids, and the hash of its evidence.
select
    c.change_id, c.number, c.title, c.source, c.service, c.team, c.type, c.original_type, c.risk, c.original_risk,
    c.state, c.original_state, c.outcome, c.original_outcome, c.approval, c.original_approval, c.approved_at,
    c.opened_at, c.planned_start_at, c.planned_end_at, c.actual_start_at, c.actual_end_at, c.closed_at, c.reviewed_at,
    c.assessment, c.review, c.implementation_plan, c.backout_plan, c.test_plan, c.justification,
    c.is_unauthorized, c.is_preapproved, c.configuration_item_id,
    coalesce(requester.name, c.requested_by) as requested_by,
    coalesce(implementer.name, c.assigned_to) as assigned_to,
    c.evidence_id, e.record_sha256, e.observed_at, e.sync_id, c.source_url
from canonical.change c
left join canonical.person requester on requester.person_id = c.requested_by
left join canonical.person implementer on implementer.person_id = c.assigned_to
left join audit.evidence e on e.evidence_id = c.evidence_id
where upper(c.number) = upper($number)
order by c.source
