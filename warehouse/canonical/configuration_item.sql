-- One row per configuration item, services included.
create table canonical.configuration_item (
    configuration_item_id varchar not null,
    source varchar not null,
    name varchar,
    class varchar,
    description varchar,
    status varchar,
    original_status varchar,
    serial_number varchar,
    owner_id varchar,
    team_id varchar,
    created_at timestamptz,
    updated_at timestamptz,
    discovered_at timestamptz,
    evidence_id varchar not null,
    source_url varchar
);
comment on table canonical.configuration_item is 'One row per configuration item, services included.';
comment on column canonical.configuration_item.configuration_item_id is '<source>:configuration_item:<native key>';
comment on column canonical.configuration_item.source is 'Configured name of the source';
comment on column canonical.configuration_item.name is 'Name';
comment on column canonical.configuration_item.class is 'Class as the tool names it';
comment on column canonical.configuration_item.description is 'Text; null when empty';
comment on column canonical.configuration_item.status is 'in_use, in_stock, on_order, in_maintenance, retired, missing, planned, unknown; null when none is given';
comment on column canonical.configuration_item.original_status is 'Vendor word';
comment on column canonical.configuration_item.serial_number is 'Serial number';
comment on column canonical.configuration_item.owner_id is 'canonical.person';
comment on column canonical.configuration_item.team_id is 'Supporting group: canonical.team';
comment on column canonical.configuration_item.created_at is 'When the record was made';
comment on column canonical.configuration_item.updated_at is 'Last update in the source';
comment on column canonical.configuration_item.discovered_at is 'Last discovery or attestation';
comment on column canonical.configuration_item.evidence_id is 'The stored version that this row was read from: raw.*, audit.evidence';
comment on column canonical.configuration_item.source_url is 'Where a person sees the record in the tool';
