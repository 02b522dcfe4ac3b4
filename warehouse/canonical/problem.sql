-- One row per problem (latest version; deleted ones left out).
create table canonical.problem (
    problem_id varchar not null,
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
    resolution_code varchar,
    original_resolution_code varchar,
    is_known_error boolean,
    root_cause varchar,
    workaround varchar,
    fix varchar,
    opened_at timestamptz,
    resolved_at timestamptz,
    closed_at timestamptz,
    due_at timestamptz,
    updated_at timestamptz,
    assignee_id varchar,
    configuration_item_id varchar,
    change_id varchar,
    evidence_id varchar not null,
    source_url varchar
);
comment on table canonical.problem is 'One row per problem (latest version; deleted ones left out).';
comment on column canonical.problem.problem_id is '<source>:problem:<native key>';
comment on column canonical.problem.source is 'Configured name of the source';
comment on column canonical.problem.number is 'Human number';
comment on column canonical.problem.title is 'Short description';
comment on column canonical.problem.service is 'Name of the service affected';
comment on column canonical.problem.service_id is 'canonical.service';
comment on column canonical.problem.team is 'Name of the assigned group';
comment on column canonical.problem.team_id is 'canonical.team';
comment on column canonical.problem.priority is '1 to 5 as text, 1 the highest; unknown when the vendor word is not mapped';
comment on column canonical.problem.original_priority is 'Vendor word';
comment on column canonical.problem.state is 'new, assess, root_cause_analysis, fix_in_progress, resolved, closed, cancelled, unknown';
comment on column canonical.problem.original_state is 'Vendor word';
comment on column canonical.problem.resolution_code is 'fix_applied, risk_accepted, duplicate, cancelled, unknown; null when none is given';
comment on column canonical.problem.original_resolution_code is 'Vendor word';
comment on column canonical.problem.is_known_error is 'Recorded as known error';
comment on column canonical.problem.root_cause is 'Text; null when empty or white space';
comment on column canonical.problem.workaround is 'Text; null when empty or white space';
comment on column canonical.problem.fix is 'Text of the permanent fix; null when empty or white space';
comment on column canonical.problem.opened_at is 'When it was opened';
comment on column canonical.problem.resolved_at is 'When it was resolved';
comment on column canonical.problem.closed_at is 'When it was closed';
comment on column canonical.problem.due_at is 'Due date';
comment on column canonical.problem.updated_at is 'Last update in the source';
comment on column canonical.problem.assignee_id is 'canonical.person';
comment on column canonical.problem.configuration_item_id is 'canonical.configuration_item';
comment on column canonical.problem.change_id is 'Change raised from the problem';
comment on column canonical.problem.evidence_id is 'The stored version that this row was read from: raw.*, audit.evidence';
comment on column canonical.problem.source_url is 'Where a person sees the record in the tool';
