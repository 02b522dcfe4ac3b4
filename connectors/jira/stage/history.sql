-- One row per changed field of an issue, with the canonical name of the field and of both values. A status that no
-- longer exists keeps the word that the history wrote down.
with listed as (
    select
        h.source, split_part(h.source_key, '/', 1) as issue_id, h.source_key, h.evidence_id,
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
read as (
    select
        l.source, l.issue_id, l.source_key, l.place, l.evidence_id, l.changed_at, l.author, l.author_display,
        t.entity, t.record_id,
        coalesce(l.item ->> '$.fieldId', l.item ->> '$.field') as vendor_field,
        case lower(coalesce(l.item ->> '$.field', l.item ->> '$.fieldId'))
            when 'status' then 'state'
            when 'component' then 'team'
            else replace(lower(coalesce(l.item ->> '$.field', l.item ->> '$.fieldId')), ' ', '_')
        end as field,
        coalesce(l.item ->> '$.fromString', l.item ->> '$.from') as original_from,
        coalesce(l.item ->> '$.toString', l.item ->> '$.to') as original_to
    from listed l
    join stage.jira_ticket t on t.source = l.source and t.id = l.issue_id
)
select
    r.source, r.issue_id, r.source_key || '/' || r.place as item_key, r.evidence_id, r.changed_at, r.author,
    r.author_display, r.entity, r.record_id, r.field, r.original_from, r.original_to,
    case when r.original_from is not null and r.field in ('state', 'priority')
        then coalesce(old.canonical, 'unknown') end as from_value,
    case when r.original_to is not null and r.field in ('state', 'priority')
        then coalesce(new.canonical, 'unknown') end as to_value
from read r
left join stage.value old
    on old.source = r.source and old.vendor = r.original_from
    and old.field = case when r.field = 'state' then r.entity || '.state' else r.field end
left join stage.value new
    on new.source = r.source and new.vendor = r.original_to
    and new.field = case when r.field = 'state' then r.entity || '.state' else r.field end
where r.changed_at is not null
