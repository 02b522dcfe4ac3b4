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
comment on view metrics.ticket is 'One row per incident, problem or change: what every metric needs to know of a ticket.';

-- One row per recorded move of a ticket's state. Histories have seconds, so several moves can share an instant, and their
-- ids say nothing of their order: of those, one that leaves a state that no other has just reached comes first, and one
-- that reaches a state that no other leaves comes last.
create view metrics.state_move as
with move as (
    select
        s.status_change_id, s.record_id, s.changed_at, s.from_value, s.to_value,
        coalesce(s.original_from, s.from_value) as from_word, coalesce(s.original_to, s.to_value) as to_word,
        count(*) over (partition by s.record_id, s.changed_at) as at_once
    from canonical.status_change s
    where s.field = 'state'
),
tied as (
    select status_change_id, record_id, changed_at, from_word, to_word
    from move
    where at_once > 1
),
led as (
    select distinct t.status_change_id
    from tied t
    join tied e on e.record_id = t.record_id and e.changed_at = t.changed_at and e.to_word = t.from_word
    where e.status_change_id <> t.status_change_id
),
followed as (
    select distinct t.status_change_id
    from tied t
    join tied l on l.record_id = t.record_id and l.changed_at = t.changed_at and l.from_word = t.to_word
    where l.status_change_id <> t.status_change_id
)
select
    m.status_change_id, m.record_id, m.changed_at, m.from_value, m.to_value,
    row_number() over (
        partition by m.record_id
        order by
            m.changed_at,
            case when l.status_change_id is null then 0 when f.status_change_id is not null then 1 else 2 end,
            m.status_change_id
    ) as place
from move m
left join led l on l.status_change_id = m.status_change_id
left join followed f on f.status_change_id = m.status_change_id;
comment on view metrics.state_move is 'One row per recorded move of a ticket''s state, in order: place counts from 1.';

-- One row per moment at which a ticket turned from open to ended or back. The creation is no recorded change, so the
-- first side comes from what the first change left; a ticket without history ends when its own fields say so, and where
-- the history does not lead to the state that the ticket has now, the ticket's own fields have the last word.
create view metrics.turn as
with moved as (
    select
        s.record_id, s.changed_at, s.place,
        coalesce(s.from_value, '') not in ('resolved', 'closed', 'cancelled') as was_open,
        s.to_value not in ('resolved', 'closed', 'cancelled') as is_open,
        s.to_value as state
    from metrics.state_move s
    where s.to_value is not null and s.to_value <> 'unknown'
),
numbered as (
    select
        m.record_id, m.changed_at, m.was_open, m.is_open, m.state,
        row_number() over (partition by m.record_id order by m.place) as place,
        row_number() over (partition by m.record_id order by m.place desc) as from_last
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
comment on view metrics.turn is 'One row per moment at which a ticket turned from open to ended or back.';

-- One row per stretch in which a ticket was open: from its opening or reopening to its end; ended_at is null while open.
create table metrics.open_interval as
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
comment on table metrics.open_interval is
    'One row per stretch in which a ticket was open, from its opening or reopening to its end; ended_at is null while open.';

-- One row per SLA clock with the moment at which it was decided: stopped, or breached while it ran, whichever is first.
-- Breached means that the clock went on after the instant at which its target was used up: exactly at the target is met.
-- The tool's flag is refreshed by a job: a running clock whose target is used up is breached before the flag says so. The
-- instant is not moved while a clock is paused: then, and for a clock stopped out of a pause, the tool's durations decide.
create view metrics.sla_decision as
with moment as (
    select cast(value as timestamptz) as as_of from metrics.setting where name = 'as_of'
),
judged as (
    select
        s.sla_instance_id, s.record_id, s.source, s.type, s.target, s.state, s.started_at, s.stopped_at, s.breach_at,
        s.attached_at, s.evidence_id,
        case
            when s.stopped_at = s.breach_at then false
            when s.stopped_at is not null
                then s.is_breached
                or coalesce(s.stopped_at > s.breach_at, false) and coalesce(s.elapsed_seconds > s.target_seconds, true)
            when s.state = 'in_progress' then s.is_breached or coalesce(s.breach_at < m.as_of, false)
            else s.is_breached
        end as is_breached
    from canonical.sla_instance s
    cross join moment m
)
select
    j.sla_instance_id, j.record_id, j.source, t.service, t.priority, j.type, j.target, j.state, j.started_at,
    j.stopped_at, j.breach_at, j.is_breached, j.attached_at, j.evidence_id,
    case when j.is_breached then coalesce(least(j.breach_at, j.stopped_at), j.started_at) end as breached_at,
    case
        when j.is_breached then coalesce(least(j.breach_at, j.stopped_at), j.started_at)
        else j.stopped_at
    end as decided_at,
    case
        when j.state = 'cancelled' then 'cancelled'
        when j.type <> 'sla' then 'not an SLA: ' || j.type
    end as excluded_because
from judged j
left join metrics.ticket t on t.record_id = j.record_id;
comment on view metrics.sla_decision is
    'One row per SLA clock: decided_at is its stop or its breach, whichever is first; null while neither has come.';
