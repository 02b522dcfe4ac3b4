-- One row per link and direction: `from` reads the type's outward words towards `to`. Both ends list the same link.
with listed as (
    select t.source, t.id, t.entity, t.evidence_id, unnest(i.links) as link
    from stage.jira_ticket t
    join stage.jira__issue i on i.source = t.source and i.id = t.id
),
read as (
    select
        l.source, l.id, l.entity, l.evidence_id,
        l.link ->> '$.id' as link_id,
        l.link ->> '$.type.name' as original_type,
        l.link ->> '$.outwardIssue.id' as outward_id,
        l.link ->> '$.inwardIssue.id' as inward_id,
        coalesce(l.link ->> '$.outwardIssue.fields.issuetype.name', l.link ->> '$.inwardIssue.fields.issuetype.name')
            as other_type
    from listed l
),
placed as (
    select
        r.source, r.link_id, r.original_type, r.evidence_id,
        case when r.outward_id is not null then r.id else r.inward_id end as from_id,
        case when r.outward_id is not null then r.entity else coalesce(other.entity, named.canonical) end as from_entity,
        case when r.outward_id is not null then r.outward_id else r.id end as to_id,
        case when r.outward_id is not null then coalesce(other.entity, named.canonical) else r.entity end as to_entity
    from read r
    left join stage.jira_ticket other
        on other.source = r.source and other.id = coalesce(r.outward_id, r.inward_id)
    left join stage.value named
        on named.source = r.source and named.field = 'issue.entity' and named.vendor = r.other_type
    where coalesce(r.outward_id, r.inward_id) is not null
)
select
    p.source, p.link_id, p.from_id, p.to_id,
    min(p.original_type) as original_type,
    coalesce(min(kind.canonical), 'relates') as kind,
    min(p.from_entity) as from_entity,
    min(p.to_entity) as to_entity,
    min(p.evidence_id) as evidence_id
from placed p
left join stage.value kind
    on kind.source = p.source and kind.field = 'link.type' and kind.vendor = p.original_type
where p.from_entity is not null and p.to_entity is not null
group by p.source, p.link_id, p.from_id, p.to_id
