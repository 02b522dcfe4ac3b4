-- One row per person that an issue, its history or an approval names.
with named as (
    select source, coalesce(reporter_account, reporter_key, reporter_name) as key, reporter_display as name,
        reporter_email as email, reporter_active as is_active, evidence_id, updated as seen_at
    from stage.jira__issue
    union all
    select source, coalesce(assignee_account, assignee_key, assignee_name), assignee_display, assignee_email,
        assignee_active, evidence_id, updated
    from stage.jira__issue
    union all
    select source, coalesce(creator_account, creator_key, creator_name), creator_display, creator_email,
        creator_active, evidence_id, updated
    from stage.jira__issue
    union all
    select source, coalesce(author_account, author_key, author_name), author_display, author_email, author_active,
        evidence_id, created
    from stage.jira__changelog
    union all
    select source, approver, approver_name, approver_email, true, evidence_id, coalesce(completed_at, requested_at)
    from stage.jira_approval
)
select
    n.source || ':person:' || n.key as person_id,
    n.source,
    arg_max(n.name, n.seen_at) as name,
    arg_max(n.email, n.seen_at) as email,
    coalesce(arg_max(n.is_active, n.seen_at), true) as is_active,
    coalesce(arg_max(n.evidence_id, n.seen_at), max(n.evidence_id)) as evidence_id
from named n
where n.key is not null
group by n.source, n.key
