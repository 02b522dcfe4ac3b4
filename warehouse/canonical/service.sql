-- One row per service of the catalogue.
create table canonical.service (
    service_id varchar not null,
    source varchar not null,
    name varchar,
    state varchar,
    original_state varchar,
    criticality varchar,
    owner_id varchar,
    team_id varchar,
    created_at timestamptz,
    evidence_id varchar not null,
    source_url varchar
);
comment on table canonical.service is 'One row per service of the catalogue.';
comment on column canonical.service.service_id is '<source>:service:<native key>';
comment on column canonical.service.source is 'Configured name of the source';
comment on column canonical.service.name is 'Name';
comment on column canonical.service.state is 'operational, non_operational, retired, unknown';
comment on column canonical.service.original_state is 'Vendor word';
comment on column canonical.service.criticality is 'Vendor word';
comment on column canonical.service.owner_id is 'canonical.person';
comment on column canonical.service.team_id is 'Supporting group: canonical.team';
comment on column canonical.service.created_at is 'When the record was made';
comment on column canonical.service.evidence_id is 'The stored version that this row was read from: raw.*, audit.evidence';
comment on column canonical.service.source_url is 'Where a person sees the record in the tool';
