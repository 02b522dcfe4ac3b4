-- One row per SLA, OLA or underpinning-contract definition.
create table canonical.sla_definition (
    sla_definition_id varchar not null,
    source varchar not null,
    name varchar,
    type varchar not null,
    original_type varchar,
    target varchar,
    entity varchar,
    target_seconds bigint,
    is_active boolean,
    evidence_id varchar not null,
    source_url varchar
);
comment on table canonical.sla_definition is 'One row per SLA, OLA or underpinning-contract definition.';
comment on column canonical.sla_definition.sla_definition_id is '<source>:sla_definition:<native key>';
comment on column canonical.sla_definition.source is 'Configured name of the source';
comment on column canonical.sla_definition.name is 'Name';
comment on column canonical.sla_definition.type is 'sla, ola, underpinning_contract, unknown';
comment on column canonical.sla_definition.original_type is 'Vendor word';
comment on column canonical.sla_definition.target is 'response, resolution, other';
comment on column canonical.sla_definition.entity is 'Canonical entity that it applies to; null when it may be any';
comment on column canonical.sla_definition.target_seconds is 'Agreed time in seconds; null when it differs per instance';
comment on column canonical.sla_definition.is_active is 'In use';
comment on column canonical.sla_definition.evidence_id is 'The stored version that this row was read from: raw.*, audit.evidence';
comment on column canonical.sla_definition.source_url is 'Where a person sees the record in the tool';
