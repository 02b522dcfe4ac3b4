-- One row per changed field of a ticket, with the canonical name of the field and of both values. A status is known by
-- its id; one that no longer exists keeps the word that the history wrote down. Sites answer times as ISO text, and
-- Atlassian's own example as a number of seconds.
with listed as (
    select
        h.source,
        split_part(h.source_key, '/', 1) as issue_id,
        h.source_key,
        h.evidence_id,
        coalesce(h.created, to_timestamp(
            case
                when try_cast(h.created_epoch as double) > 100000000000 then try_cast(h.created_epoch as double) / 1000
                else try_cast(h.created_epoch as double)
            end
        )) as changed_at,
        coalesce(h.author_account, h.author_key, h.author_name) as author,
        h.author_display,
        unnest(h.items) as item,
        generate_subscripts(h.items, 1) as place
    from stage.jira__changelog h
),
parsed as (
    select
        l.source, l.issue_id, l.source_key, l.evidence_id, l.changed_at, l.author, l.author_display, l.place,
        from_json(
            l.item,
            '{"field": "VARCHAR", "from": "VARCHAR", "fromString": "VARCHAR", "to": "VARCHAR", "toString": "VARCHAR"}'
        ) as item
    from listed l
    where l.changed_at is not null
),
named as (
    select
        p.source, p.issue_id, p.source_key, p.evidence_id, p.changed_at, p.author, p.author_display, p.place,
        e.entity,
        e.record_id,
        coalesce(field.canonical, p.item."field") as field,
        nullif(p.item."from", '') as from_id,
        nullif(p.item."to", '') as to_id,
        coalesce(nullif(p.item."fromString", ''), nullif(p.item."from", '')) as original_from,
        coalesce(nullif(p.item."toString", ''), nullif(p.item."to", '')) as original_to
    from parsed p
    join stage.jira_entity e on e.source = p.source and e.id = p.issue_id
    left join stage.value field
        on field.source = p.source and field.field = 'status_change.field' and field.vendor = p.item."field"
    where p.item."field" is not null and e.entity in ('incident', 'problem', 'change')
)
select
    n.source,
    n.issue_id,
    n.source_key || '/' || n.place as item_key,
    n.evidence_id,
    n.changed_at,
    n.author,
    n.author_display,
    n.entity,
    n.record_id,
    n.field,
    n.from_id,
    n.to_id,
    n.original_from,
    n.original_to,
    case when n.original_from is not null and n.field in ('state', 'priority')
        then coalesce(old_state.canonical, old.canonical, 'unknown') end as from_value,
    case when n.original_to is not null and n.field in ('state', 'priority')
        then coalesce(new_state.canonical, new.canonical, 'unknown') end as to_value
from named n
left join stage.jira_state old_state
    on old_state.source = n.source and old_state.entity = n.entity and old_state.status_id = n.from_id
    and n.field = 'state'
left join stage.jira_state new_state
    on new_state.source = n.source and new_state.entity = n.entity and new_state.status_id = n.to_id
    and n.field = 'state'
left join stage.value old
    on old.source = n.source and old.vendor = n.original_from
    and old.field = case n.field when 'state' then n.entity || '.state' when 'priority' then 'priority' end
left join stage.value new
    on new.source = n.source and new.vendor = n.original_to
    and new.field = case n.field when 'state' then n.entity || '.state' when 'priority' then 'priority' end
