-- One row per relation between two configuration items.
create table canonical.ci_relationship (
    ci_relationship_id varchar not null,
    source varchar not null,
    parent_id varchar,
    child_id varchar,
    type varchar,
    created_at timestamptz,
    evidence_id varchar not null,
    source_url varchar
);
comment on table canonical.ci_relationship is 'One row per relation between two configuration items.';
comment on column canonical.ci_relationship.ci_relationship_id is '<source>:ci_relationship:<native key>';
comment on column canonical.ci_relationship.source is 'Configured name of the source';
comment on column canonical.ci_relationship.parent_id is 'canonical.configuration_item';
comment on column canonical.ci_relationship.child_id is 'canonical.configuration_item';
comment on column canonical.ci_relationship.type is 'Relation as the tool names it';
comment on column canonical.ci_relationship.created_at is 'When the record was made';
comment on column canonical.ci_relationship.evidence_id is 'The stored version that this row was read from: raw.*, audit.evidence';
comment on column canonical.ci_relationship.source_url is 'Where a person sees the record in the tool';
