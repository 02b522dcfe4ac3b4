-- One row per supplier: an external party, or an internal group or customer that acts as one.
create table canonical.supplier (
    supplier_id varchar not null,
    source varchar not null,
    name varchar,
    kind varchar,
    state varchar not null,
    original_state varchar,
    criticality varchar,
    owner varchar,
    service varchar,
    contract varchar,
    contract_from_on date,
    contract_until date,
    review_interval_months bigint,
    reviewed_on date,
    review_on date,
    evidence_id varchar not null,
    source_url varchar
);
comment on table canonical.supplier is 'One row per supplier: an external party, or an internal group or customer that acts as one.';
comment on column canonical.supplier.supplier_id is '<source>:supplier:<native key>';
comment on column canonical.supplier.source is 'Configured name of the source';
comment on column canonical.supplier.name is 'Name';
comment on column canonical.supplier.kind is 'external, internal, customer, unknown';
comment on column canonical.supplier.state is 'candidate, active, ended, unknown';
comment on column canonical.supplier.original_state is 'Word in the source';
comment on column canonical.supplier.criticality is 'Word in the source';
comment on column canonical.supplier.owner is 'Who is responsible for the supplier, as written';
comment on column canonical.supplier.service is 'Name of the service that is supplied, as written';
comment on column canonical.supplier.contract is 'Number of the contract';
comment on column canonical.supplier.contract_from_on is 'First day of the contract';
comment on column canonical.supplier.contract_until is 'Last day of the contract';
comment on column canonical.supplier.review_interval_months is 'Agreed months between two reviews';
comment on column canonical.supplier.reviewed_on is 'Last review of the performance';
comment on column canonical.supplier.review_on is 'Next review that is planned';
comment on column canonical.supplier.evidence_id is 'The stored version that this row was read from: raw.*, audit.evidence';
comment on column canonical.supplier.source_url is 'Where a person sees the record in the tool';
