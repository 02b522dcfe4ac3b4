-- One row per assignment group.
select
    g.source || ':team:' || g.sys_id as team_id,
    g.source,
    g.name,
    g.source || ':person:' || g.manager as manager_id,
    coalesce(g.active, true) as is_active,
    g.evidence_id,
    s.url || '/nav_to.do?uri=sys_user_group.do?sys_id=' || g.sys_id as source_url
from stage.servicenow__sys_user_group g
join stage.source s on s.source = g.source
