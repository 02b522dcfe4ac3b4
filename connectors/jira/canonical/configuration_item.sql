-- One row per object in Assets, and per object that an issue names and Assets does not show (or is not read): of those
-- only the id is known, or what Data Center writes into the issue.
with told as (
    select
        a.source,
        a.item_key,
        arg_min(a.shown, (a.attribute_id, a.place)) filter (where a.meaning = 'description') as description,
        coalesce(
            arg_min(a.status, (a.attribute_id, a.place)) filter (where a.type = 7),
            arg_min(a.status, (a.attribute_id, a.place)) filter (where a.meaning = 'status')
        ) as status,
        arg_min(a.shown, (a.attribute_id, a.place)) filter (where a.meaning = 'serial_number') as serial_number,
        arg_min(a.person, (a.attribute_id, a.place)) filter (where a.meaning = 'owner' and a.person is not null)
            as owner,
        arg_min(a.shown, (a.attribute_id, a.place)) filter (where a.meaning = 'team') as team,
        max(try_cast(a.plain as timestamptz)) filter (where a.meaning = 'discovered_at') as discovered_at
    from stage.jira_asset_value a
    group by a.source, a.item_key
),
team as (
    select t.source, lower(t.team) as name, min(t.team_key) as team_key
    from stage.jira_ticket t
    where t.team_key is not null
    group by t.source, lower(t.team)
),
meaning as (
    select v.source, lower(v.vendor) as word, min(v.canonical) as canonical
    from stage.value v
    where v.field = 'configuration_item.status'
    group by v.source, lower(v.vendor)
),
object as (
    select
        o.source, o.id, o.key, o.workspace_id, o.label, o.object_type, o.created, o.updated, o.evidence_id,
        coalesce(o.workspace_id || ':' || o.id, o.key) as item_key
    from stage.jira__asset_object o
)
select
    o.source || ':configuration_item:' || o.item_key as configuration_item_id,
    o.source,
    o.label as name,
    o.object_type as class,
    t.description,
    case when t.status is not null then coalesce(m.canonical, 'unknown') end as status,
    t.status as original_status,
    t.serial_number,
    o.source || ':person:' || t.owner as owner_id,
    o.source || ':team:' || g.team_key as team_id,
    o.created as created_at,
    o.updated as updated_at,
    t.discovered_at,
    o.evidence_id,
    case
        when o.workspace_id is not null then s.url || '/jira/servicedesk/assets/object/' || o.id
        else s.url || '/secure/insight/assets/' || o.key
    end as source_url
from object o
join stage.source s on s.source = o.source
left join told t on t.source = o.source and t.item_key = o.item_key
left join meaning m on m.source = o.source and m.word = lower(t.status)
left join team g on g.source = o.source and g.name = lower(t.team)
where o.item_key is not null
union all
select
    i.source || ':configuration_item:' || i.item_key,
    i.source,
    arg_max(i.name, (i.updated, i.evidence_id)) filter (where i.name is not null),
    cast(null as varchar),
    cast(null as varchar),
    cast(null as varchar),
    cast(null as varchar),
    cast(null as varchar),
    cast(null as varchar),
    cast(null as varchar),
    cast(null as timestamptz),
    cast(null as timestamptz),
    cast(null as timestamptz),
    arg_max(i.evidence_id, (i.updated, i.evidence_id)),
    cast(null as varchar)
from stage.jira_item i
left join object o on o.source = i.source and o.item_key = i.item_key
where o.item_key is null
group by i.source, i.item_key
