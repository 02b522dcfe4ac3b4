-- One row per entry of a register that is kept outside the ticket tools.
create table canonical.register_entry (
    register_entry_id varchar not null,
    source varchar not null,
    register varchar not null,
    number varchar,
    title varchar,
    kind varchar,
    state varchar not null,
    original_state varchar,
    severity varchar,
    original_severity varchar,
    result varchar,
    original_result varchar,
    owner varchar,
    party varchar,
    service varchar,
    clauses varchar,
    cause varchar,
    impact varchar,
    version varchar,
    reference varchar,
    change_number varchar,
    report_period varchar,
    items varchar,
    opened_on date,
    planned_on date,
    approved_on date,
    held_on date,
    due_on date,
    action_closed_on date,
    closed_on date,
    reviewed_on date,
    review_on date,
    effectiveness_reviewed_on date,
    valid_until date,
    interval_months bigint,
    score bigint,
    recovery_hours double,
    amount double,
    currency varchar,
    parent_id varchar,
    related_id varchar,
    evidence_id varchar not null,
    source_url varchar
);
comment on table canonical.register_entry is 'One row per entry of a register that is kept outside the ticket tools.';
comment on column canonical.register_entry.register_entry_id is '<source>:register_entry:<register>/<native key>';
comment on column canonical.register_entry.source is 'Configured name of the source';
comment on column canonical.register_entry.register is 'documents, audits, audit_findings, management_reviews, management_review_actions, suppliers, continuity_plans, continuity_tests, risks, nonconformities, improvements, training';
comment on column canonical.register_entry.number is 'Native id';
comment on column canonical.register_entry.title is 'Title, or name of the supplier';
comment on column canonical.register_entry.kind is 'management_review, service_review; external, internal, customer (suppliers); test, invocation; risk, opportunity; words of the organisation for documents, audits and training';
comment on column canonical.register_entry.state is 'draft, in_review, approved, withdrawn (documents, plans); planned, in_progress, held, cancelled (audits, reviews, tests, training); open, in_progress, closed, cancelled (findings, actions, nonconformities); candidate, active, ended (suppliers); open, in_progress, accepted, closed, cancelled (risks); proposed, approved, in_progress, done, reviewed, rejected (improvements); unknown';
comment on column canonical.register_entry.original_state is 'Word in the register';
comment on column canonical.register_entry.severity is 'major, minor, observation, opportunity (findings, nonconformities); criticality of a supplier in the organisation''s words; unknown';
comment on column canonical.register_entry.original_severity is 'Word in the register';
comment on column canonical.register_entry.result is 'passed, passed_with_issues, failed (tests, training); effective, partly_effective, not_effective (corrective actions); achieved, partly_achieved, not_achieved (benefit of improvements); avoid, reduce, transfer, accept (treatment of risks); unknown';
comment on column canonical.register_entry.original_result is 'Word in the register';
comment on column canonical.register_entry.owner is 'Who is responsible, as written';
comment on column canonical.register_entry.party is 'Customer of a review, auditor, approver of a document, contact of a supplier, person trained';
comment on column canonical.register_entry.service is 'Name of the service, as written';
comment on column canonical.register_entry.clauses is 'Numbers of clauses, separated by one space';
comment on column canonical.register_entry.cause is 'Cause found';
comment on column canonical.register_entry.impact is 'Impact: 1 to 5 for risks, text for invocations';
comment on column canonical.register_entry.version is 'Version of a document or plan';
comment on column canonical.register_entry.reference is 'Where the proof is: minutes of a review, report of an audit or test, place of a document, number of a contract';
comment on column canonical.register_entry.change_number is 'Change that made the test necessary';
comment on column canonical.register_entry.report_period is 'Month of the service report that an action was recorded on (2026-09)';
comment on column canonical.register_entry.items is 'Names, separated by semicolons: inputs of a review, configuration items of a plan, actions of a test, action of a nonconformity';
comment on column canonical.register_entry.opened_on is 'Raised, identified, decided, proposed or created; start of a contract or an audit';
comment on column canonical.register_entry.planned_on is 'Planned day of an audit, review, test or training';
comment on column canonical.register_entry.approved_on is 'Approval of a document, plan or improvement';
comment on column canonical.register_entry.held_on is 'When it took place or was carried out: audit, review, test, training, improvement';
comment on column canonical.register_entry.due_on is 'Day by which it is to be closed; for a test, its actions';
comment on column canonical.register_entry.action_closed_on is 'When the corrective action was carried out';
comment on column canonical.register_entry.closed_on is 'When it was closed or withdrawn; for a test, its actions';
comment on column canonical.register_entry.reviewed_on is 'Last review: of the supplier''s performance, document, plan, risk, improvement, invocation; evaluation of a training';
comment on column canonical.register_entry.review_on is 'Next review that is planned';
comment on column canonical.register_entry.effectiveness_reviewed_on is 'When the effect of the corrective action was reviewed';
comment on column canonical.register_entry.valid_until is 'Last day of a contract or certificate';
comment on column canonical.register_entry.interval_months is 'Agreed months between two reviews of a supplier or two tests of a plan';
comment on column canonical.register_entry.score is 'Likelihood times impact of a risk';
comment on column canonical.register_entry.recovery_hours is 'Hours to recover: agreed (plans), reached (tests)';
comment on column canonical.register_entry.amount is 'Value of a contract, cost of an improvement';
comment on column canonical.register_entry.currency is 'Of the amount, as written';
comment on column canonical.register_entry.parent_id is 'Entry that it belongs to: audit of a finding, review of an action, plan of a test, finding of a nonconformity';
comment on column canonical.register_entry.related_id is 'Nonconformity that an action answers';
comment on column canonical.register_entry.evidence_id is 'The stored version that this row was read from: raw.*, audit.evidence';
comment on column canonical.register_entry.source_url is 'Where a person sees the register';
