-- One row per stream and run; the tables of `audit` in the evidence file. No keys, indexes or sequences: the same text
-- runs on a shared catalog.
create schema if not exists evidence.raw;
create schema if not exists evidence.audit;
create table if not exists evidence.audit.sync_run (
    sync_id varchar,
    source varchar,
    stream varchar,
    mode varchar,
    started_at timestamptz,
    finished_at timestamptz,
    status varchar,
    watermark_from varchar,
    watermark_to varchar,
    pages bigint,
    requests bigint,
    retries bigint,
    fetched bigint,
    added bigint,
    changed bigint,
    unchanged bigint,
    duplicate bigint,
    deleted bigint,
    hidden bigint,
    quarantined bigint,
    source_count bigint,
    warehouse_count bigint,
    account varchar,
    manifest_sha256 varchar,
    previous_sha256 varchar,
    error varchar
);
create table if not exists evidence.audit.gap (
    sync_id varchar,
    source varchar,
    stream varchar,
    source_key varchar,
    kind varchar,
    reason varchar,
    observed_at timestamptz
);
create table if not exists evidence.audit.configuration (
    sync_id varchar,
    name varchar,
    sha256 varchar,
    body varchar
);
