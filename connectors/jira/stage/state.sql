-- One row per status of the site and entity for which it has a meaning: by its id where the configuration names it, else
-- by the name that it has now, else by the one before translation; sites write names in upper and lower case as they
-- like. A history is read by ids, so a renamed status keeps its meaning.
with entity as (
    select 'incident' as entity
    union all
    select 'problem' as entity
    union all
    select 'change' as entity
),
candidate as (
    select k.source, e.entity, k.id as status_id, v.canonical, 1 as rank
    from stage.jira__status k
    cross join entity e
    join stage.value v on v.source = k.source and v.field = e.entity || '.state' and v.vendor = k.id
    union all
    select k.source, e.entity, k.id, v.canonical, 2
    from stage.jira__status k
    cross join entity e
    join stage.value v on v.source = k.source and v.field = e.entity || '.state' and v.vendor = k.name
    union all
    select k.source, e.entity, k.id, v.canonical, 3
    from stage.jira__status k
    cross join entity e
    join stage.value v on v.source = k.source and v.field = e.entity || '.state' and lower(v.vendor) = lower(k.name)
    union all
    select k.source, e.entity, k.id, v.canonical, 4
    from stage.jira__status k
    cross join entity e
    join stage.value v
        on v.source = k.source and v.field = e.entity || '.state' and lower(v.vendor) = lower(k.untranslated_name)
)
select c.source, c.entity, c.status_id, arg_min(c.canonical, (c.rank, c.canonical)) as canonical
from candidate c
group by c.source, c.entity, c.status_id
