-- One row per recorded change of one field of a record (the creation is no change).
create table canonical.status_change (
    status_change_id varchar not null,
    source varchar not null,
    record_id varchar not null,
    entity varchar not null,
    field varchar not null,
    from_value varchar,
    to_value varchar,
    original_from varchar,
    original_to varchar,
    changed_at timestamptz not null,
    changed_by varchar,
    evidence_id varchar not null,
    source_url varchar
);
comment on table canonical.status_change is 'One row per recorded change of one field of a record (the creation is no change).';
comment on column canonical.status_change.status_change_id is '<source>:status_change:<native key>';
comment on column canonical.status_change.source is 'Configured name of the source';
comment on column canonical.status_change.record_id is 'The record that changed';
comment on column canonical.status_change.entity is 'Its canonical entity';
comment on column canonical.status_change.field is 'Canonical field: state, approval, priority, team, assignee, planned_start, planned_end; else the vendor''s field name';
comment on column canonical.status_change.from_value is 'Canonical value before, for state, approval and priority; null when not mapped or empty';
comment on column canonical.status_change.to_value is 'Canonical value after; unknown when the vendor word is not mapped';
comment on column canonical.status_change.original_from is 'Vendor word before';
comment on column canonical.status_change.original_to is 'Vendor word after';
comment on column canonical.status_change.changed_at is 'When';
comment on column canonical.status_change.changed_by is 'canonical.person, or the account''s name when it is no known person';
comment on column canonical.status_change.evidence_id is 'The stored version that this row was read from: raw.*, audit.evidence';
comment on column canonical.status_change.source_url is 'Where a person sees the record in the tool';
