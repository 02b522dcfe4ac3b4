-- Shared views that the metrics join; each says its grain.

-- One row per incident, problem or change: what every metric needs to know of a ticket.
create view metrics.ticket as
select
    incident_id as record_id, 'incident' as entity, number, source, service, priority, state, opened_at,
    coalesce(resolved_at, closed_at) as ended_at, updated_at, state = 'cancelled' as is_cancelled, evidence_id
from canonical.incident
union all
select
    problem_id as record_id, 'problem' as entity, number, source, service, priority, state, opened_at,
    coalesce(resolved_at, closed_at) as ended_at, updated_at,
    state = 'cancelled' or coalesce(resolution_code, '') in ('duplicate', 'cancelled') as is_cancelled, evidence_id
from canonical.problem
union all
select
    change_id as record_id, 'change' as entity, number, source, service, priority, state, opened_at,
    closed_at as ended_at, updated_at, state = 'cancelled' as is_cancelled, evidence_id
from canonical.change;

-- One row per moment at which a ticket turned from open to ended or back. The creation is no recorded change, so the
-- first side comes from what the first change left; a ticket without history ends when its own fields say so.
create view metrics.turn as
with moved as (
    select
        s.record_id, s.changed_at, s.status_change_id,
        coalesce(s.from_value, '') not in ('resolved', 'closed', 'cancelled') as was_open,
        s.to_value not in ('resolved', 'closed', 'cancelled') as is_open,
        s.to_value as state
    from canonical.status_change s
    where s.field = 'state' and s.to_value is not null and s.to_value <> 'unknown'
),
numbered as (
    select
        m.record_id, m.changed_at, m.was_open, m.is_open, m.state,
        row_number() over (partition by m.record_id order by m.changed_at, m.status_change_id) as place,
        row_number() over (partition by m.record_id order by m.changed_at desc, m.status_change_id desc) as from_last
    from moved m
),
stated as (
    select t.record_id, t.opened_at as turned_at, 0 as place, true as is_open, 'new' as state
    from metrics.ticket t
    where t.opened_at is not null
    union all
    select t.record_id, t.opened_at as turned_at, 0 as place, false as is_open, 'resolved' as state
    from metrics.ticket t
    join numbered n on n.record_id = t.record_id and n.place = 1
    where t.opened_at is not null and not n.was_open
    union all
    select t.record_id, greatest(n.changed_at, t.opened_at) as turned_at, n.place, n.is_open, n.state
    from metrics.ticket t
    join numbered n on n.record_id = t.record_id
    where t.opened_at is not null
    union all
    select
        t.record_id,
        greatest(coalesce(
            case when t.state in ('resolved', 'closed', 'cancelled') then t.ended_at end, t.updated_at, t.opened_at
        ), t.opened_at, coalesce(n.changed_at, t.opened_at)) as turned_at,
        1000000 as place,
        t.state not in ('resolved', 'closed', 'cancelled') as is_open,
        t.state
    from metrics.ticket t
    left join numbered n on n.record_id = t.record_id and n.from_last = 1
    where t.opened_at is not null and t.state <> 'unknown'
        and coalesce(n.is_open, true) <> (t.state not in ('resolved', 'closed', 'cancelled'))
),
sided as (
    select
        record_id, turned_at, place, is_open, state,
        lag(is_open) over (partition by record_id order by turned_at, place, is_open desc) as before
    from stated
)
select record_id, turned_at, place, is_open, state
from sided
where before is null or before <> is_open;

-- One row per stretch in which a ticket was open: from its opening or reopening to its end; ended_at is null while open.
create view metrics.open_interval as
with followed as (
    select
        record_id, turned_at, is_open, state,
        lead(turned_at) over (partition by record_id order by turned_at, place, is_open desc) as next_at,
        lead(state) over (partition by record_id order by turned_at, place, is_open desc) as next_state,
        row_number() over (partition by record_id order by turned_at, place, is_open desc) as place
    from metrics.turn
)
select
    f.record_id, t.entity, t.number, t.source, t.service, t.priority, t.is_cancelled, t.evidence_id,
    f.turned_at as started_at, f.next_at as ended_at, f.next_state as ended_as, f.place > 1 as is_reopening
from followed f
join metrics.ticket t on t.record_id = f.record_id
where f.is_open;

-- One row per SLA clock with the moment at which it was decided: stopped, or breached while it ran, whichever is first.
create view metrics.sla_decision as
select
    s.sla_instance_id, s.record_id, s.source, t.service, t.priority, s.type, s.target, s.state, s.started_at,
    s.stopped_at, s.breach_at, s.is_breached, s.attached_at, s.evidence_id,
    case
        when s.is_breached and s.breach_at is not null and (s.stopped_at is null or s.breach_at < s.stopped_at)
            then s.breach_at
        else s.stopped_at
    end as decided_at,
    case
        when s.state = 'cancelled' then 'cancelled'
        when s.type <> 'sla' then 'not an SLA: ' || s.type
    end as excluded_because
from canonical.sla_instance s
left join metrics.ticket t on t.record_id = s.record_id;
