-- One row per person that an issue, its history or an approval names. The latest record that names somebody tells most
-- about him: a history repeats what the account is called now.
with named as (
    select source, coalesce(reporter_account, reporter_key, reporter_name) as key, reporter_display as name,
        reporter_email as email, reporter_active as is_active, evidence_id, observed_at
    from stage.jira__issue
    union all
    select source, coalesce(assignee_account, assignee_key, assignee_name), assignee_display, assignee_email,
        assignee_active, evidence_id, observed_at
    from stage.jira__issue
    union all
    select source, coalesce(creator_account, creator_key, creator_name), creator_display, creator_email,
        creator_active, evidence_id, observed_at
    from stage.jira__issue
    union all
    select source, coalesce(author_account, author_key, author_name), author_display, author_email, author_active,
        evidence_id, observed_at
    from stage.jira__changelog
    union all
    select a.source, a.approver, a.approver_name, a.approver_email, a.approver_active, a.evidence_id, i.observed_at
    from stage.jira_approval a
    join stage.jira__issue i on i.source = a.source and i.id = a.issue_id
)
select
    n.source || ':person:' || n.key as person_id,
    n.source,
    arg_max(n.name, (n.observed_at, n.evidence_id)) filter (where n.name is not null) as name,
    arg_max(n.email, (n.observed_at, n.evidence_id)) filter (where n.email is not null) as email,
    coalesce(arg_max(n.is_active, (n.observed_at, n.evidence_id)) filter (where n.is_active is not null), true)
        as is_active,
    arg_max(n.evidence_id, (n.observed_at, n.evidence_id)) as evidence_id
from named n
where n.key is not null
group by n.source, n.key
