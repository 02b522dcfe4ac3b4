-- One row per link of a ticket, in the direction that its type reads. Both ends list the same link; a type has two
-- phrases, one read from each end ("causes", "is caused by"), and the phrase that has a meaning of its own decides.
-- Between an incident and a problem, whichever causes the other, the incident has the problem.
with listed as (
    select
        e.source, e.id, e.entity, e.evidence_id,
        from_json(unnest(i.links), '{
            "id": "VARCHAR",
            "type": {"name": "VARCHAR", "inward": "VARCHAR", "outward": "VARCHAR"},
            "inwardIssue": {"id": "VARCHAR", "fields": {"issuetype": {"id": "VARCHAR", "name": "VARCHAR"}}},
            "outwardIssue": {"id": "VARCHAR", "fields": {"issuetype": {"id": "VARCHAR", "name": "VARCHAR"}}}
        }') as link
    from stage.jira_entity e
    join stage.jira__issue i on i.source = e.source and i.id = e.id
    where e.entity in ('incident', 'problem', 'change')
),
ended as (
    select
        l.source, l.id, l.entity, l.evidence_id,
        l.link."id" as link_id,
        coalesce(l.link."type"."outward", l.link."type"."name") as outward,
        coalesce(l.link."type"."inward", l.link."type"."name") as inward,
        l.link."outwardIssue"."id" is not null as is_start,
        coalesce(l.link."outwardIssue"."id", l.link."inwardIssue"."id") as other_id,
        coalesce(l.link."outwardIssue"."fields"."issuetype"."id", l.link."inwardIssue"."fields"."issuetype"."id")
            as type_id,
        coalesce(l.link."outwardIssue"."fields"."issuetype"."name", l.link."inwardIssue"."fields"."issuetype"."name")
            as type_name
    from listed l
),
met as (
    select
        n.source, n.id, n.entity, n.evidence_id, n.link_id, n.outward, n.inward, n.is_start, n.other_id,
        coalesce(known.entity, by_id.canonical, by_name.canonical, 'issue') as other_entity
    from ended n
    left join stage.jira_entity known on known.source = n.source and known.id = n.other_id
    left join stage.value by_id
        on by_id.source = n.source and by_id.field = 'issue.entity' and by_id.vendor = n.type_id
    left join stage.value by_name
        on by_name.source = n.source and by_name.field = 'issue.entity' and by_name.vendor = n.type_name
    where n.other_id is not null
),
spanned as (
    select
        m.source, m.evidence_id, m.outward, m.inward, m.id as listed_by,
        case when m.is_start then m.id else m.other_id end as start_id,
        case when m.is_start then m.entity else m.other_entity end as start_entity,
        case when m.is_start then m.other_id else m.id end as end_id,
        case when m.is_start then m.other_entity else m.entity end as end_entity,
        coalesce(m.link_id, m.outward || ' ' || m.id || ' ' || m.other_id) as link_id
    from met m
    union all
    select
        child.source, child.evidence_id, 'is child of', 'is parent of', child.id, child.id, child.entity, parent.id,
        parent.entity, child.id || '/parent'
    from stage.jira__issue i
    join stage.jira_entity child on child.source = i.source and child.id = i.id
    join stage.jira_entity parent on parent.source = i.source and parent.id = i.parent_id
    where child.entity in ('incident', 'problem', 'change') and parent.entity in ('incident', 'problem', 'change')
),
directed as (
    select
        p.source, p.link_id, p.evidence_id, p.listed_by, p.start_id, p.start_entity, p.end_id, p.end_entity,
        coalesce(nullif(forward.canonical, 'relates_to'), nullif(backward.canonical, 'relates_to'), 'relates_to')
            as reading,
        case
            when nullif(forward.canonical, 'relates_to') is null and nullif(backward.canonical, 'relates_to') is not null
                then p.inward
            else p.outward
        end as original_type,
        nullif(forward.canonical, 'relates_to') is null and nullif(backward.canonical, 'relates_to') is not null
            as is_backward
    from spanned p
    left join stage.value forward
        on forward.source = p.source and forward.field = 'link.type' and forward.vendor = p.outward
    left join stage.value backward
        on backward.source = p.source and backward.field = 'link.type' and backward.vendor = p.inward
),
turned as (
    select
        d.source, d.link_id, d.evidence_id, d.listed_by, d.original_type, d.start_id, d.start_entity, d.end_id,
        d.end_entity,
        case
            when d.reading = 'caused_by' and d.start_entity in ('incident', 'problem')
                and d.end_entity in ('incident', 'problem') and d.start_entity <> d.end_entity
                then 'has_problem'
            else d.reading
        end as type,
        case
            when d.reading = 'caused_by' and d.start_entity in ('incident', 'problem')
                and d.end_entity in ('incident', 'problem') and d.start_entity <> d.end_entity
                then d.start_entity = 'problem'
            else d.is_backward
        end as is_backward
    from directed d
),
placed as (
    select
        t.source, t.link_id, t.type, t.original_type, t.evidence_id, t.listed_by,
        case when t.is_backward then t.end_id else t.start_id end as from_id,
        case when t.is_backward then t.end_entity else t.start_entity end as from_entity,
        case when t.is_backward then t.start_id else t.end_id end as to_id,
        case when t.is_backward then t.start_entity else t.end_entity end as to_entity
    from turned t
)
select
    p.source,
    p.link_id,
    min(p.type) as type,
    min(p.original_type) as original_type,
    min(p.from_id) as from_id,
    min(p.from_entity) as from_entity,
    min(p.to_id) as to_id,
    min(p.to_entity) as to_entity,
    arg_min(p.evidence_id, (case when p.listed_by = p.from_id then 0 else 1 end, p.evidence_id)) as evidence_id
from placed p
group by p.source, p.link_id
