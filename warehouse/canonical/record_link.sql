-- One row per link between two records, in the direction that the type reads.
create table canonical.record_link (
    record_link_id varchar not null,
    source varchar not null,
    from_id varchar not null,
    from_entity varchar not null,
    to_id varchar not null,
    to_entity varchar not null,
    type varchar not null,
    original_type varchar,
    created_at timestamptz,
    evidence_id varchar not null,
    source_url varchar
);
comment on table canonical.record_link is 'One row per link between two records, in the direction that the type reads.';
comment on column canonical.record_link.record_link_id is '<source>:record_link:<native key>';
comment on column canonical.record_link.source is 'Configured name of the source';
comment on column canonical.record_link.from_id is 'Record that the link starts at';
comment on column canonical.record_link.from_entity is 'Its canonical entity';
comment on column canonical.record_link.to_id is 'Record that the link points to';
comment on column canonical.record_link.to_entity is 'Its canonical entity';
comment on column canonical.record_link.type is 'caused_by, resolved_by, has_problem, child_of, duplicate_of, affects, relates_to';
comment on column canonical.record_link.original_type is 'Vendor word';
comment on column canonical.record_link.created_at is 'When the link was made, where the tool tells';
comment on column canonical.record_link.evidence_id is 'The stored version that this row was read from: raw.*, audit.evidence';
comment on column canonical.record_link.source_url is 'Where a person sees the record in the tool';
