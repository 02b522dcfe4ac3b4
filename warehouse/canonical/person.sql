-- One row per person or account.
create table canonical.person (
    person_id varchar not null,
    source varchar not null,
    name varchar,
    email varchar,
    is_active boolean,
    evidence_id varchar not null,
    source_url varchar
);
comment on table canonical.person is 'One row per person or account.';
comment on column canonical.person.person_id is '<source>:person:<native key>';
comment on column canonical.person.source is 'Configured name of the source';
comment on column canonical.person.name is 'Display name';
comment on column canonical.person.email is 'E-mail address';
comment on column canonical.person.is_active is 'Account in use';
comment on column canonical.person.evidence_id is 'The stored version that this row was read from: raw.*, audit.evidence';
comment on column canonical.person.source_url is 'Where a person sees the record in the tool';
