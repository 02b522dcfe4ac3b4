-- One row per ticket with a history of its status: the moments that the tool keeps in no field.
with stepped as (
    select
        h.source, h.issue_id, h.changed_at, h.item_key, h.author, h.to_value, h.from_value,
        coalesce(h.from_value, '') in ('closed', 'cancelled') as was_closed,
        coalesce(h.from_value, '') in ('resolved', 'closed') as was_resolved
    from stage.jira_history h
    where h.field = 'state'
)
select
    s.source,
    s.issue_id,
    max(case when s.to_value in ('closed', 'cancelled') and not s.was_closed then s.changed_at end) as closed_at,
    count(case
        when s.was_resolved and s.to_value not in ('resolved', 'closed', 'cancelled', 'unknown') then 1
    end) as reopened_count,
    arg_max(s.author, (s.changed_at, s.item_key))
        filter (where s.to_value in ('resolved', 'closed') and not s.was_resolved) as resolver,
    min(case when s.to_value = 'implement' then s.changed_at end) as implement_entered_at,
    max(case when s.from_value = 'implement' then s.changed_at end) as implement_left_at
from stepped s
group by s.source, s.issue_id
