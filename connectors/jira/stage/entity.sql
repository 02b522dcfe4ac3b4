-- One row per issue: the canonical entity that its type stands for (`issue` where none does) and the id by which other
-- records refer to it. The type's id decides where the configuration names it, else its name, translated or not.
select
    i.source,
    i.id,
    i.key,
    i.evidence_id,
    coalesce(by_id.canonical, by_name.canonical, by_origin.canonical, 'issue') as entity,
    i.source || ':' || coalesce(by_id.canonical, by_name.canonical, by_origin.canonical, 'issue') || ':' || i.id
        as record_id,
    s.url || '/browse/' || i.key as source_url
from stage.jira__issue i
join stage.source s on s.source = i.source
left join stage.jira__issuetype type on type.source = i.source and type.id = i.issuetype_id
left join stage.value by_id
    on by_id.source = i.source and by_id.field = 'issue.entity' and by_id.vendor = i.issuetype_id
left join stage.value by_name
    on by_name.source = i.source and by_name.field = 'issue.entity' and by_name.vendor = i.issuetype
left join stage.value by_origin
    on by_origin.source = i.source and by_origin.field = 'issue.entity' and by_origin.vendor = type.untranslated_name
