-- One row per register entry, with the words of its register; kind_field, severity_field and result_field name the list of
-- words that a column takes its meaning from. parent_id and related_id are register and id.
select
    e.source, 'documents' as register, e.id as number, e.owner, e.evidence_id, e.status, e.title, e.kind,
    e.approver as party, e.service, e.clauses, e.version, e.location as reference, e.created_on as opened_on,
    e.approved_on, e.withdrawn_on as closed_on, e.reviewed_on, e.review_on
from stage.files__documents e
union all by name
select
    e.source, 'audits' as register, e.id as number, e.owner, e.evidence_id, e.status, e.title, e.kind,
    e.auditor as party, e.service, e.clauses, e.report as reference, e.started_on as opened_on, e.planned_on,
    e.held_on
from stage.files__audits e
union all by name
select
    e.source, 'audit_findings' as register, e.id as number, e.owner, e.evidence_id, e.status, e.title,
    e.grade as severity, 'audit_findings.grade' as severity_field, e.service, e.clauses, e.cause,
    e.raised_on as opened_on, e.due_on, e.closed_on, 'audits/' || e.audit_id as parent_id
from stage.files__audit_findings e
union all by name
select
    e.source, 'management_reviews' as register, e.id as number, e.owner, e.evidence_id, e.status, e.title,
    coalesce(e.kind, 'management_review') as kind, 'management_reviews.kind' as kind_field, e.customer as party,
    e.service, e.clauses, e.minutes as reference, e.inputs as items, e.planned_on, e.held_on
from stage.files__management_reviews e
union all by name
select
    e.source, 'management_review_actions' as register, e.id as number, e.owner, e.evidence_id, e.status, e.title,
    e.effectiveness as result, 'management_review_actions.effectiveness' as result_field, e.service, e.report_period,
    e.decided_on as opened_on, e.due_on, e.closed_on as action_closed_on, e.closed_on, e.effectiveness_reviewed_on,
    'management_reviews/' || e.review_id as parent_id, 'nonconformities/' || e.nonconformity_id as related_id
from stage.files__management_review_actions e
union all by name
select
    e.source, 'suppliers' as register, e.id as number, e.owner, e.evidence_id, e.status, e.name as title,
    coalesce(e.kind, 'external') as kind, 'suppliers.kind' as kind_field, e.criticality as severity,
    e.contact as party, e.service, e.contract as reference, e.contract_from_on as opened_on, e.reviewed_on,
    e.review_on, e.contract_until as valid_until, e.review_interval_months as interval_months, e.amount, e.currency
from stage.files__suppliers e
union all by name
select
    e.source, 'continuity_plans' as register, e.id as number, e.owner, e.evidence_id, e.status, e.title, e.service,
    e.version, e.configuration_items as items, e.approved_on, e.reviewed_on, e.review_on,
    e.test_interval_months as interval_months, e.recovery_hours
from stage.files__continuity_plans e
union all by name
select
    e.source, 'continuity_tests' as register, e.id as number, e.owner, e.evidence_id, e.status, e.title,
    coalesce(e.kind, 'test') as kind, 'continuity_tests.kind' as kind_field, e.result,
    'continuity_tests.result' as result_field, e.cause, e.impact, e.report as reference, e.change as change_number,
    e.actions as items, e.planned_on, e.held_on, e.actions_due_on as due_on, e.actions_closed_on as closed_on,
    e.reviewed_on, e.recovery_hours, 'continuity_plans/' || e.plan_id as parent_id
from stage.files__continuity_tests e
union all by name
select
    e.source, 'risks' as register, e.id as number, e.owner, e.evidence_id, e.status, e.title,
    coalesce(e.kind, 'risk') as kind, 'risks.kind' as kind_field, e.treatment as result,
    'risks.treatment' as result_field, e.service, e.clauses, cast(e.impact as varchar) as impact,
    e.identified_on as opened_on, e.due_on, e.closed_on, e.reviewed_on, e.review_on, e.likelihood * e.impact as score
from stage.files__risks e
union all by name
select
    e.source, 'nonconformities' as register, e.id as number, e.owner, e.evidence_id, e.status, e.title,
    e.grade as severity, 'nonconformities.grade' as severity_field, e.effectiveness as result,
    'nonconformities.effectiveness' as result_field, e.service, e.clauses, e.cause, e.action as items,
    e.raised_on as opened_on, e.due_on, e.action_closed_on, e.closed_on, e.effectiveness_reviewed_on,
    'audit_findings/' || e.finding_id as parent_id
from stage.files__nonconformities e
union all by name
select
    e.source, 'improvements' as register, e.id as number, e.owner, e.evidence_id, e.status, e.title,
    e.benefit_achieved as result, 'improvements.benefit_achieved' as result_field, e.service, e.clauses,
    e.origin as cause, e.benefit as items, e.proposed_on as opened_on, e.approved_on, e.done_on as held_on, e.due_on,
    e.closed_on, e.reviewed_on, e.amount, e.currency
from stage.files__improvements e
union all by name
select
    e.source, 'training' as register, e.id as number, e.owner, e.evidence_id, e.status, e.title, e.kind, e.result,
    'training.result' as result_field, e.person as party, e.service, e.planned_on, e.held_on,
    e.evaluated_on as reviewed_on, e.valid_until
from stage.files__training e
