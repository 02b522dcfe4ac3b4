-- One row per change (latest version; deleted ones left out).
create table canonical.change (
    change_id varchar not null,
    source varchar not null,
    number varchar,
    title varchar,
    service varchar,
    service_id varchar,
    team varchar,
    team_id varchar,
    type varchar not null,
    original_type varchar,
    risk varchar,
    original_risk varchar,
    priority varchar,
    state varchar not null,
    original_state varchar,
    outcome varchar,
    original_outcome varchar,
    approval varchar,
    original_approval varchar,
    approved_at timestamptz,
    requested_by varchar,
    assigned_to varchar,
    opened_at timestamptz,
    planned_start_at timestamptz,
    planned_end_at timestamptz,
    actual_start_at timestamptz,
    actual_end_at timestamptz,
    closed_at timestamptz,
    reviewed_at timestamptz,
    updated_at timestamptz,
    justification varchar,
    assessment varchar,
    implementation_plan varchar,
    backout_plan varchar,
    test_plan varchar,
    review varchar,
    is_unauthorized boolean,
    is_preapproved boolean,
    configuration_item_id varchar,
    evidence_id varchar not null,
    source_url varchar
);
comment on table canonical.change is 'One row per change (latest version; deleted ones left out).';
comment on column canonical.change.change_id is '<source>:change:<native key>';
comment on column canonical.change.source is 'Configured name of the source';
comment on column canonical.change.number is 'Human number';
comment on column canonical.change.title is 'Short description';
comment on column canonical.change.service is 'Name of the service affected';
comment on column canonical.change.service_id is 'canonical.service';
comment on column canonical.change.team is 'Name of the assigned group';
comment on column canonical.change.team_id is 'canonical.team';
comment on column canonical.change.type is 'standard, normal, emergency, unknown';
comment on column canonical.change.original_type is 'Vendor word';
comment on column canonical.change.risk is 'very_high, high, moderate, low, unknown; null when none is given';
comment on column canonical.change.original_risk is 'Vendor word';
comment on column canonical.change.priority is '1 to 5 as text';
comment on column canonical.change.state is 'new, assess, authorize, scheduled, implement, review, closed, cancelled, unknown';
comment on column canonical.change.original_state is 'Vendor word';
comment on column canonical.change.outcome is 'successful, successful_with_issues, unsuccessful, backed_out, cancelled, unknown; null when none is given';
comment on column canonical.change.original_outcome is 'Vendor word';
comment on column canonical.change.approval is 'Approval of the change as a whole: not_requested, requested, approved, rejected, cancelled, not_required, unknown; null when the tool states none';
comment on column canonical.change.original_approval is 'Vendor word';
comment on column canonical.change.approved_at is 'Decision time of the final approval, from the history; null when none is recorded';
comment on column canonical.change.requested_by is 'canonical.person';
comment on column canonical.change.assigned_to is 'canonical.person';
comment on column canonical.change.opened_at is 'When it was raised';
comment on column canonical.change.planned_start_at is 'Planned window';
comment on column canonical.change.planned_end_at is 'Planned window';
comment on column canonical.change.actual_start_at is 'Actual start field, else when the record entered Implement';
comment on column canonical.change.actual_end_at is 'Actual end field, else when the record left Implement, else closed';
comment on column canonical.change.closed_at is 'When it was closed';
comment on column canonical.change.reviewed_at is 'When the review was recorded';
comment on column canonical.change.updated_at is 'Last update in the source';
comment on column canonical.change.justification is 'Text; null when empty';
comment on column canonical.change.assessment is 'Risk and impact analysis; null when empty';
comment on column canonical.change.implementation_plan is 'Text; null when empty';
comment on column canonical.change.backout_plan is 'Text; null when empty';
comment on column canonical.change.test_plan is 'Text; null when empty';
comment on column canonical.change.review is 'Text of the post-implementation review; null when empty';
comment on column canonical.change.is_unauthorized is 'Flagged in the tool as unauthorised';
comment on column canonical.change.is_preapproved is 'Standard change from a pre-approved model';
comment on column canonical.change.configuration_item_id is 'canonical.configuration_item';
comment on column canonical.change.evidence_id is 'The stored version that this row was read from: raw.*, audit.evidence';
comment on column canonical.change.source_url is 'Where a person sees the record in the tool';
