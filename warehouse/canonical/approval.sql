-- One row per approver's decision on a record.
create table canonical.approval (
    approval_id varchar not null,
    source varchar not null,
    record_id varchar,
    entity varchar,
    name varchar,
    approver_id varchar,
    state varchar not null,
    original_state varchar,
    requested_at timestamptz,
    decided_at timestamptz,
    evidence_id varchar not null,
    source_url varchar
);
comment on table canonical.approval is 'One row per approver''s decision on a record.';
comment on column canonical.approval.approval_id is '<source>:approval:<native key>';
comment on column canonical.approval.source is 'Configured name of the source';
comment on column canonical.approval.record_id is 'The record approved, e.g. <source>:change:<native key>';
comment on column canonical.approval.entity is 'Canonical entity of the record: change, problem, ...';
comment on column canonical.approval.name is 'Name of the approval step, where the tool has one';
comment on column canonical.approval.approver_id is 'canonical.person';
comment on column canonical.approval.state is 'not_requested, requested, approved, rejected, cancelled, not_required, unknown';
comment on column canonical.approval.original_state is 'Vendor word';
comment on column canonical.approval.requested_at is 'When it was asked for';
comment on column canonical.approval.decided_at is 'When it was decided: from the history or the tool''s own decision time, never the row''s update time';
comment on column canonical.approval.evidence_id is 'The stored version that this row was read from: raw.*, audit.evidence';
comment on column canonical.approval.source_url is 'Where a person sees the record in the tool';
