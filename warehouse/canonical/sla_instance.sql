-- One row per clock that ran on a record; where a tool restarts a clock, each cycle is one.
create table canonical.sla_instance (
    sla_instance_id varchar not null,
    source varchar not null,
    sla_definition_id varchar,
    record_id varchar,
    entity varchar,
    name varchar,
    type varchar not null,
    target varchar,
    state varchar not null,
    original_state varchar,
    started_at timestamptz,
    stopped_at timestamptz,
    breach_at timestamptz,
    is_breached boolean not null,
    elapsed_seconds bigint,
    paused_seconds bigint,
    target_seconds bigint,
    attached_at timestamptz,
    evidence_id varchar not null,
    source_url varchar
);
comment on table canonical.sla_instance is 'One row per clock that ran on a record; where a tool restarts a clock, each cycle is one.';
comment on column canonical.sla_instance.sla_instance_id is '<source>:sla_instance:<native key>';
comment on column canonical.sla_instance.source is 'Configured name of the source';
comment on column canonical.sla_instance.sla_definition_id is 'canonical.sla_definition';
comment on column canonical.sla_instance.record_id is 'The record that it runs on';
comment on column canonical.sla_instance.entity is 'Canonical entity of that record';
comment on column canonical.sla_instance.name is 'Name of the definition';
comment on column canonical.sla_instance.type is 'sla, ola, underpinning_contract, unknown';
comment on column canonical.sla_instance.target is 'response, resolution, other';
comment on column canonical.sla_instance.state is 'in_progress, paused, completed, cancelled, unknown';
comment on column canonical.sla_instance.original_state is 'Vendor word';
comment on column canonical.sla_instance.started_at is 'Start of the clock';
comment on column canonical.sla_instance.stopped_at is 'Stop of the clock; null while it runs';
comment on column canonical.sla_instance.breach_at is 'Instant at which the target is used up; moves while the clock is paused';
comment on column canonical.sla_instance.is_breached is 'Whether the target was used up before the stop, as known at the last read';
comment on column canonical.sla_instance.elapsed_seconds is 'Time on the clock as the tool states it';
comment on column canonical.sla_instance.paused_seconds is 'Time paused as the tool states it';
comment on column canonical.sla_instance.target_seconds is 'Agreed time';
comment on column canonical.sla_instance.attached_at is 'When the row was made; later than the start when it was attached retroactively';
comment on column canonical.sla_instance.evidence_id is 'The stored version that this row was read from: raw.*, audit.evidence';
comment on column canonical.sla_instance.source_url is 'Where a person sees the record in the tool';
