-- One row per account.
select
    u.source || ':person:' || u.sys_id as person_id,
    u.source,
    coalesce(u.name, u.user_name) as name,
    u.email,
    coalesce(u.active, true) as is_active,
    u.evidence_id,
    s.url || '/nav_to.do?uri=sys_user.do?sys_id=' || u.sys_id as source_url
from stage.servicenow__sys_user u
join stage.source s on s.source = u.source
