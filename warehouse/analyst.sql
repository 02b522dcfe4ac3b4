-- Views for people who query: names instead of ids, one row per record.
create schema analyst;
create view analyst.incident as
select
    i.number, i.title, i.source, i.service, i.team, i.priority, i.state, i.original_state, i.opened_at, i.resolved_at,
    i.closed_at, i.reopened_count, i.is_major, requester.name as requester, assignee.name as assignee,
    problem.number as problem, change.number as change, cause.number as caused_by_change, i.incident_id,
    i.evidence_id, e.record_sha256, i.source_url
from canonical.incident i
left join canonical.person requester on requester.person_id = i.requester_id
left join canonical.person assignee on assignee.person_id = i.assignee_id
left join canonical.problem problem on problem.problem_id = i.problem_id
left join canonical.change change on change.change_id = i.change_id
left join canonical.change cause on cause.change_id = i.caused_by_change_id
left join audit.evidence e on e.evidence_id = i.evidence_id;
comment on view analyst.incident is 'One row per incident, with names and the hash of its evidence.';
create view analyst.change as
select
    c.number, c.title, c.source, c.service, c.team, c.type, c.risk, c.state, c.original_state, c.outcome,
    c.original_outcome, c.approval, c.approved_at, requester.name as requested_by, implementer.name as assigned_to,
    c.opened_at, c.planned_start_at, c.planned_end_at, c.actual_start_at, c.actual_end_at, c.closed_at, c.reviewed_at,
    c.change_id, c.evidence_id, e.record_sha256, c.source_url
from canonical.change c
left join canonical.person requester on requester.person_id = c.requested_by
left join canonical.person implementer on implementer.person_id = c.assigned_to
left join audit.evidence e on e.evidence_id = c.evidence_id;
comment on view analyst.change is 'One row per change, with names and the hash of its evidence.';
create view analyst.problem as
select
    p.number, p.title, p.source, p.service, p.team, p.priority, p.state, p.original_state, p.resolution_code,
    p.is_known_error, p.root_cause, p.workaround, p.fix, p.opened_at, p.resolved_at, p.closed_at, p.due_at,
    assignee.name as assignee, change.number as change, p.problem_id, p.evidence_id, e.record_sha256, p.source_url
from canonical.problem p
left join canonical.person assignee on assignee.person_id = p.assignee_id
left join canonical.change change on change.change_id = p.change_id
left join audit.evidence e on e.evidence_id = p.evidence_id;
comment on view analyst.problem is 'One row per problem, with names and the hash of its evidence.';
create view analyst.record as
select incident_id as record_id, 'incident' as entity, number, title, state, service, source, evidence_id, source_url
from canonical.incident
union all
select problem_id, 'problem', number, title, state, service, source, evidence_id, source_url
from canonical.problem
union all
select change_id, 'change', number, title, state, service, source, evidence_id, source_url
from canonical.change
union all
select
    s.sla_instance_id, 'sla_instance', coalesce(i.number, s.record_id), s.name, s.state, i.service, s.source,
    s.evidence_id, coalesce(s.source_url, i.source_url)
from canonical.sla_instance s
left join canonical.incident i on i.incident_id = s.record_id
union all
select configuration_item_id, 'configuration_item', name, class, status, null, source, evidence_id, source_url
from canonical.configuration_item;
comment on view analyst.record is
    'One row per record that a metric can count, with its number, title and state: join it to metrics.population.';
