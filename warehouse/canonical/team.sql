-- One row per assignment group or team.
create table canonical.team (
    team_id varchar not null,
    source varchar not null,
    name varchar,
    manager_id varchar,
    is_active boolean,
    evidence_id varchar not null,
    source_url varchar
);
comment on table canonical.team is 'One row per assignment group or team.';
comment on column canonical.team.team_id is '<source>:team:<native key>';
comment on column canonical.team.source is 'Configured name of the source';
comment on column canonical.team.name is 'Name';
comment on column canonical.team.manager_id is 'canonical.person';
comment on column canonical.team.is_active is 'In use';
comment on column canonical.team.evidence_id is 'The stored version that this row was read from: raw.*, audit.evidence';
comment on column canonical.team.source_url is 'Where a person sees the record in the tool';
