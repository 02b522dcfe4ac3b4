-- One row per team that a ticket is assigned to: the team field, else the first component.
select
    t.source || ':team:' || t.team_key as team_id,
    t.source,
    arg_max(t.team, (t.updated, t.evidence_id)) as name,
    true as is_active,
    arg_max(t.evidence_id, (t.updated, t.evidence_id)) as evidence_id
from stage.jira_ticket t
where t.team_key is not null
group by t.source, t.team_key
