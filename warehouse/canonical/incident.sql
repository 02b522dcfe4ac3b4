-- One row per incident (latest version; deleted ones left out).
create table canonical.incident (
    incident_id varchar not null,
    source varchar not null,
    number varchar,
    title varchar,
    service varchar,
    service_id varchar,
    team varchar,
    team_id varchar,
    priority varchar,
    original_priority varchar,
    state varchar not null,
    original_state varchar,
    category varchar,
    resolution_code varchar,
    opened_at timestamptz,
    resolved_at timestamptz,
    closed_at timestamptz,
    updated_at timestamptz,
    reopened_count bigint,
    is_major boolean,
    requester_id varchar,
    assignee_id varchar,
    resolver_id varchar,
    configuration_item_id varchar,
    parent_incident_id varchar,
    problem_id varchar,
    change_id varchar,
    caused_by_change_id varchar,
    evidence_id varchar not null,
    source_url varchar
);
comment on table canonical.incident is 'One row per incident (latest version; deleted ones left out).';
comment on column canonical.incident.incident_id is '<source>:incident:<native key>';
comment on column canonical.incident.source is 'Configured name of the source';
comment on column canonical.incident.number is 'Human number';
comment on column canonical.incident.title is 'Short description';
comment on column canonical.incident.service is 'Name of the service affected, as resolved from the record';
comment on column canonical.incident.service_id is 'canonical.service';
comment on column canonical.incident.team is 'Name of the assigned group';
comment on column canonical.incident.team_id is 'canonical.team';
comment on column canonical.incident.priority is '1 to 5 as text, 1 the highest; unknown when the vendor word is not mapped';
comment on column canonical.incident.original_priority is 'Vendor word';
comment on column canonical.incident.state is 'new, in_progress, on_hold, resolved, closed, cancelled, unknown';
comment on column canonical.incident.original_state is 'Vendor word';
comment on column canonical.incident.category is 'Vendor word';
comment on column canonical.incident.resolution_code is 'Vendor word of the close code or resolution';
comment on column canonical.incident.opened_at is 'When it was opened';
comment on column canonical.incident.resolved_at is 'Last resolution as the record states it; null when it states none';
comment on column canonical.incident.closed_at is 'When it was closed as the record states it';
comment on column canonical.incident.updated_at is 'Last update in the source';
comment on column canonical.incident.reopened_count is 'Times reopened, as the record states it; from the history where the tool keeps no count';
comment on column canonical.incident.is_major is 'Promoted to major incident';
comment on column canonical.incident.requester_id is 'canonical.person';
comment on column canonical.incident.assignee_id is 'canonical.person';
comment on column canonical.incident.resolver_id is 'canonical.person';
comment on column canonical.incident.configuration_item_id is 'canonical.configuration_item';
comment on column canonical.incident.parent_incident_id is 'The incident that this one is a child or duplicate of';
comment on column canonical.incident.problem_id is 'Problem that the incident is linked to';
comment on column canonical.incident.change_id is 'Change that resolves the incident';
comment on column canonical.incident.caused_by_change_id is 'Change that caused the incident (explicit link only)';
comment on column canonical.incident.evidence_id is 'The stored version that this row was read from: raw.*, audit.evidence';
comment on column canonical.incident.source_url is 'Where a person sees the record in the tool';
