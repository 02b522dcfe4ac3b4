"""The sample organisation: the same for the same seed, possible at every moment, and flawed where auditors look.

Both simulators, the demo and its report stand on it, so what is protected here is that no record knows its future, that
nothing refers to what does not exist yet, and that each flaw is there in the last full month, at any scale.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from connectors.sample import AS_OF, Event, Organization, Record, Value, clock, generate
from connectors.sample.change_plan import SHOWCASE_KEY
from connectors.sample.incident_words import CATEGORIES, HOSTILE_TITLES, RESOLUTION_CODES

START = datetime(2025, 4, 30, 22, tzinfo=UTC)
MONTH_START = datetime(2026, 9, 30, 22, tzinfo=UTC)
MONTH_END = datetime(2026, 10, 31, 23, tzinfo=UTC)
TICKETS = ("incident", "problem", "change")
HOMES = ("servicenow", "jira")
ENDS = ("parent", "child")
PERSONS = ("assignee", "requester", "requested_by", "resolver", "approver", "person", "owner", "manager")
REFERENCES = dict.fromkeys(PERSONS, "person") | {
    "service": "service",
    "configuration_item": "configuration_item",
    "team": "team",
    "problem": "problem",
    "change": "change",
    "caused_by_change": "change",
    "parent_incident": "incident",
    "incident": "incident",
    "definition": "sla_definition",
}
STEPS = {
    "incident": {
        "new": {"in_progress"},
        "in_progress": {"on_hold", "resolved", "cancelled"},
        "on_hold": {"in_progress"},
        "resolved": {"in_progress", "closed"},
    },
    "problem": {
        "new": {"assess"},
        "assess": {"root_cause_analysis", "cancelled", "closed"},
        "root_cause_analysis": {"fix_in_progress"},
        "fix_in_progress": {"resolved"},
        "resolved": {"closed"},
    },
    "change": {
        "new": {"assess", "authorize", "scheduled", "implement", "cancelled"},
        "assess": {"authorize", "implement", "cancelled"},
        "authorize": {"scheduled", "implement", "cancelled"},
        "scheduled": {"implement", "cancelled"},
        "implement": {"review"},
        "review": {"closed"},
    },
    "approval": {"requested": {"approved", "rejected", "cancelled"}},
}


@pytest.fixture(scope="module", params=[1.0, 0.05])
def sample(request: pytest.FixtureRequest) -> Organization:
    """The organisation at full size and at the size that fast tests use."""
    return generate(scale=float(request.param))


@pytest.fixture(scope="module")
def full() -> Organization:
    """The organisation at full size."""
    return generate()


def now(records: list[Record]) -> Iterator[tuple[Record, dict[str, Value]]]:
    for record in records:
        values = record.at(AS_OF)
        if values is not None:
            yield record, values


def is_in_month(value: Value) -> bool:
    return isinstance(value, datetime) and MONTH_START <= value < MONTH_END


def events_where(record: Record, **changes: Value) -> list[Event]:
    return [event for event in record.events if changes.items() <= event.changes.items()]


def approved_at(sample: Organization, change: int) -> datetime | None:
    """The last decision of a change that was approved by all."""
    own = [record for record in sample.of("approval") if record.values["change"] == change]
    decisions = [events_where(record, state="approved") for record in own]
    return max(events[0].at for events in decisions) if decisions and all(decisions) else None


def test_same_seed_tells_the_same_story() -> None:
    assert generate(scale=0.1) == generate(scale=0.1)
    assert generate(seed=7, scale=0.1).records != generate(scale=0.1).records
    with pytest.raises(ValueError, match="scale"):
        generate(scale=0)


def test_size_and_split(full: Organization) -> None:
    counts = {entity: len(full.of(entity)) for entity in TICKETS}
    assert 2150 <= counts["incident"] <= 2350
    assert counts["problem"] == 110
    assert counts["change"] == 640
    for entity in TICKETS:
        assert 0.6 < len(full.of(entity, "servicenow")) / counts[entity] < 0.8
    local = [record.created_at.astimezone(ZoneInfo(full.time_zone)) for record in full.of("incident")]
    monthly = Counter(moment.strftime("%Y-%m") for moment in local if moment < MONTH_END)
    assert len(monthly) == 18
    assert min(monthly.values()) > 60
    assert (full.as_of, full.time_zone) == (AS_OF, "Europe/Amsterdam")


def test_keys_follow_creation(sample: Organization) -> None:
    for entity, records in sample.records.items():
        assert [record.key for record in records] == list(range(1, len(records) + 1)), entity
        ordered = [record.created_at for record in records if (entity, record.key) != ("change", SHOWCASE_KEY)]
        assert ordered == sorted(ordered), entity
    moments = [record.created_at for entity in TICKETS for record in sample.of(entity)]
    assert len(moments) == len(set(moments))


def test_time_is_whole_ordered_and_past(sample: Organization) -> None:
    for entity, records in sample.records.items():
        for record in records:
            moments = [record.created_at, *(event.at for event in record.events)]
            assert all(a < b for a, b in pairwise(moments)), (entity, record.key)
            assert moments[-1] <= AS_OF
            assert all(moment.microsecond == 0 and moment.tzinfo is UTC for moment in moments)
            assert record.deleted_at is None or moments[-1] < record.deleted_at <= AS_OF
            if entity in TICKETS:
                assert record.values["opened_at"] == record.created_at >= START


def test_events_change_known_fields_to_something_else(sample: Organization) -> None:
    for records in sample.records.values():
        names = set(records[0].values)
        for record in records:
            assert set(record.values) == names
            values = dict(record.values)
            for event in record.events:
                assert event.changes.keys() <= names
                assert all(values[name] != value for name, value in event.changes.items())
                values |= event.changes


def test_no_record_knows_its_future(sample: Organization) -> None:
    """Facts are never later than the moment they are known at; plans and due dates may be."""
    plans = {"due_at", "planned_start_at", "planned_end_at"}
    for entity, records in sample.records.items():
        for record in records:
            known = [(record.created_at, record.values), *((event.at, event.changes) for event in record.events)]
            if record.values.get("type") == "planned":
                continue
            for at, values in known:
                facts = [v for n, v in values.items() if isinstance(v, datetime) and n not in plans]
                assert all(fact <= at for fact in facts), (entity, record.key)


def test_state_at_a_moment_only_moves_forward(sample: Organization) -> None:
    moments = [START + timedelta(days=days) for days in range(0, 551, 50)]
    for entity in TICKETS:
        for record in sample.of(entity):
            seen = [(record.at(moment), record.updated_at(moment)) for moment in moments if moment > record.created_at]
            if record.deleted_at is None:
                assert all(values is not None for values, _ in seen)
            assert [at for _, at in seen] == sorted(at for _, at in seen)
            assert record.at(record.created_at - timedelta(seconds=1)) is None
            assert record.at(record.created_at) == record.values


def test_references_exist_when_they_are_made(sample: Organization) -> None:
    for entity, records in sample.records.items():
        for record in records:
            known = [(record.created_at, record.values), *((event.at, event.changes) for event in record.events)]
            for at, values in known:
                for name in REFERENCES.keys() & values.keys():
                    key, target = values[name], REFERENCES[name]
                    if key is not None:
                        assert isinstance(key, int)
                        other = sample.records[target][key - 1]
                        assert other.home == record.home, (entity, record.key, name)
                        assert other.created_at <= at, (entity, record.key, name)
                        assert other.deleted_at is None or record.deleted_at == other.deleted_at
            if entity == "ci_relationship":
                for end in ENDS:
                    key = record.values[end]
                    assert isinstance(key, int)
                    other = sample.records[str(record.values[f"{end}_entity"])][key - 1]
                    assert (other.home, other.created_at < record.created_at) == (record.home, True)
            people = {record.created_by, *(event.by for event in record.events)} - {0}
            assert all(sample.records["person"][key - 1].home == record.home for key in people)


@pytest.mark.parametrize("entity", STEPS)
def test_states_follow_the_process(sample: Organization, entity: str) -> None:
    for record in sample.of(entity):
        state = record.values["state"]
        for event in record.events:
            if "state" in event.changes:
                assert event.changes["state"] in STEPS[entity][str(state)], (record.key, state, event)
                state = event.changes["state"]


def test_states_and_times_agree(sample: Organization) -> None:
    for record, values in now(sample.of("incident")):
        resolved_at, closed_at = values["resolved_at"], values["closed_at"]
        assert (resolved_at is not None) == (values["state"] in ("resolved", "closed"))
        assert (resolved_at is None) == (values["resolver"] is None) == (values["resolution_code"] is None)
        assert (closed_at is not None) == (values["state"] in ("closed", "cancelled"))
        if isinstance(resolved_at, datetime) and isinstance(closed_at, datetime):
            assert record.created_at < resolved_at < closed_at
        assert values["reopened_count"] == sum("reopened_count" in event.changes for event in record.events)
        assert values["resolution_code"] in (None, *RESOLUTION_CODES)
        assert values["category"] in CATEGORIES
    for _, values in now(sample.of("change")):
        start, end, closed_at = values["actual_start_at"], values["actual_end_at"], values["closed_at"]
        assert (closed_at is not None) == (values["state"] in ("closed", "cancelled"))
        assert (start is not None) == (values["state"] in ("implement", "review", "closed"))
        if isinstance(start, datetime) and isinstance(end, datetime) and isinstance(closed_at, datetime):
            assert start < end < closed_at
        assert (values["review"] is None) == (values["reviewed_at"] is None)
        if isinstance(reviewed_at := values["reviewed_at"], datetime):
            assert isinstance(end, datetime) and end <= reviewed_at


def test_approval_of_a_change_is_that_of_its_last_approver(sample: Organization) -> None:
    for record, values in now(sample.of("change")):
        decided_at = approved_at(sample, record.key)
        if decided_at is not None:
            assert values["approval"] == "approved"
            assert [event.at for event in events_where(record, approval="approved")] == [decided_at]
        elif values["type"] != "standard":
            assert values["approval"] in ("not_requested", "requested", "rejected")


def closed(values: dict[str, Value]) -> Value:
    """When a change was closed; None when it is open or was given up."""
    return values["closed_at"] if values["state"] == "closed" else None


def caused(sample: Organization, change: int) -> bool:
    return any(values["caused_by_change"] == change for _, values in now(sample.of("incident")))


def started_before_approval(sample: Organization, record: Record, values: dict[str, Value]) -> Value:
    start, decided_at = values["actual_start_at"], approved_at(sample, record.key)
    return start if isinstance(start, datetime) and decided_at is not None and start < decided_at else None


def done_by_one(sample: Organization, record: Record, values: dict[str, Value]) -> Value:
    approvers = {a.values["approver"] for a in sample.of("approval") if a.values["change"] == record.key}
    return (
        values["approval"] == "approved"
        and approvers == {values["requested_by"], values["assignee"]}
        and closed(values)
    )


CHANGE_FLAWS: dict[str, Callable[[Organization, Record, dict[str, Value]], Value]] = {
    "unapproved": lambda o, r, v: v["approval"] == "requested" and v["actual_start_at"],
    "late": started_before_approval,
    "unauthorized": lambda o, r, v: v["is_unauthorized"] and v["actual_start_at"],
    "unreviewed": lambda o, r, v: v["review"] is None and closed(v),
    "unassessed": lambda o, r, v: v["assessment"] is None and closed(v),
    "no_item": lambda o, r, v: v["configuration_item"] is None and closed(v),
    "no_outcome": lambda o, r, v: v["outcome"] is None and closed(v),
    "unsuccessful": lambda o, r, v: v["outcome"] == "unsuccessful" and closed(v),
    "emergency": lambda o, r, v: v["type"] == "emergency" and v["actual_end_at"],
    "one_person": done_by_one,
    "causing": lambda o, r, v: caused(o, r.key) and closed(v),
}
"""For each flaw the moment by which a change with it counts in a month, something else for a change without it."""


@pytest.mark.parametrize("flaw", CHANGE_FLAWS)
def test_change_flaw_in_the_last_month_and_in_both_homes(sample: Organization, flaw: str) -> None:
    found = [(r, CHANGE_FLAWS[flaw](sample, r, values)) for r, values in now(sample.of("change"))]
    flawed = [(r, moment) for r, moment in found if isinstance(moment, datetime)]
    assert any(is_in_month(moment) for _, moment in flawed)
    assert {r.home for r, _ in flawed} == set(HOMES)
    assert SHOWCASE_KEY not in {r.key for r, _ in flawed}


@pytest.mark.parametrize("home", HOMES)
def test_incident_flaws_in_the_last_month_of_both_homes(sample: Organization, home: str) -> None:
    reopened, categories, states = [], Counter[Value](), Counter[Value]()
    for record, values in now(sample.of("incident")):
        if record.home != home:
            continue
        first = next((event.at for event in record.events if "resolved_at" in event.changes), None)
        again = [event.at for event in record.events if "reopened_count" in event.changes]
        reopened += [(is_in_month(first), is_in_month(at)) for at in again]
        if is_in_month(record.created_at):
            categories[values["category"]] += 1
            states[values["state"]] += 1
            states["major"] += values["is_major"] is True
            states["no service"] += values["service"] is None
            states["reprioritised"] += bool([e for e in record.events if "priority" in e.changes])
    assert (True, True) in reopened
    assert (False, True) in reopened
    assert categories["complaint"]
    assert all(states[name] for name in ("cancelled", "major", "no service", "reprioritised", "on_hold", "in_progress"))


@pytest.mark.parametrize("home", HOMES)
def test_problem_flaws_in_the_last_month_of_both_homes(sample: Organization, home: str) -> None:
    values = [values for record, values in now(sample.of("problem")) if record.home == home]
    closed = [v for v in values if v["state"] == "closed" and is_in_month(v["closed_at"])]
    assert any(v["root_cause"] is None and v["resolution_code"] == "fix_applied" for v in closed)
    assert any(v["root_cause"] and v["fix"] for v in closed)
    assert any(v["state"] == "cancelled" and is_in_month(v["closed_at"]) for v in values)
    assert any(isinstance(due := v["due_at"], datetime) and due < MONTH_END and v["closed_at"] is None for v in values)


def test_white_space_passes_for_a_root_cause_once(sample: Organization) -> None:
    assert any(str(values["root_cause"]).isspace() for _, values in now(sample.of("problem")))


@pytest.mark.parametrize("home", HOMES)
def test_clocks_at_the_end_of_the_last_month(sample: Organization, home: str) -> None:
    definitions = {record.key: record for record in sample.of("sla_definition")}
    found = Counter[str]()
    for record, values in now(sample.of("sla_instance")):
        if record.home != home or not isinstance(values["definition"], int):
            continue
        definition = definitions[values["definition"]]
        reading = clock(record, definition, AS_OF)
        open_breached = reading.stopped_at is None and reading.is_breached and reading.breach_at < MONTH_END
        found["open breached"] += open_breached
        found["open breached P1"] += open_breached and definition.values["priority"] == "1"
        found["late"] += reading.state == "completed" and reading.is_breached and is_in_month(reading.stopped_at)
        found["met"] += reading.state == "completed" and not reading.is_breached and is_in_month(reading.stopped_at)
        found["cancelled"] += reading.state == "cancelled" and is_in_month(reading.stopped_at)
        found["paused"] += reading.state == "paused"
        found["was paused"] += reading.paused_seconds > 0 and is_in_month(reading.stopped_at)
    wanted = {"open breached", "late", "met", "cancelled", "paused", "was paused"}
    assert wanted <= {name for name, count in found.items() if count}
    assert home == "jira" or found["open breached P1"]


@pytest.mark.parametrize("home", HOMES)
def test_items_outages_answers_and_deletions_of_both_homes(sample: Organization, home: str) -> None:
    related = {(str(r.values[f"{end}_entity"]), r.values[end]) for r in sample.of("ci_relationship") for end in ENDS}
    items = [(r, v) for r, v in now(sample.of("configuration_item")) if r.home == home]
    stale = [v for _, v in items if isinstance(at := v["discovered_at"], datetime) and AS_OF - at > timedelta(days=60)]
    assert 0 < len([v for v in stale if v["status"] == "in_use"]) < len(items) / 5
    assert 0 < len([r for r, _ in items if ("configuration_item", r.key) not in related]) < len(items) / 5
    assert {"in_use", "retired", "in_maintenance", "in_stock"} <= {v["status"] for _, v in items}
    assert {"operational", "retired"} == {v["state"] for r, v in now(sample.of("service")) if r.home == home}
    outages = [v for r, v in now(sample.of("outage")) if r.home == home and is_in_month(v["begin_at"])]
    assert {"outage", "planned"} <= {v["type"] for v in outages}
    assert any(a is not b and is_overlap(a, b) for a in outages for b in outages)
    assert any(1 <= int(str(v["score"])) <= 5 for r, v in now(sample.of("satisfaction")) if r.home == home)
    deleted = [r for entity in TICKETS for r in sample.of(entity, "jira" if home == "jira" else "servicenow")]
    assert len([r for r in deleted if r.deleted_at and AS_OF - r.deleted_at < timedelta(days=7)]) == 1


def is_overlap(a: dict[str, Value], b: dict[str, Value]) -> bool:
    """Whether two outages of one service share a moment."""
    begin, end, other_begin, other_end = a["begin_at"], a["end_at"], b["begin_at"], b["end_at"]
    if not (isinstance(begin, datetime) and isinstance(other_begin, datetime) and a["service"] == b["service"]):
        return False
    end = end if isinstance(end, datetime) else AS_OF
    other_end = other_end if isinstance(other_end, datetime) else AS_OF
    return begin < other_end and other_begin < end


@pytest.mark.parametrize("home", HOMES)
def test_hostile_titles_in_both_homes(sample: Organization, home: str) -> None:
    titles = {record.values["title"] for record in sample.of("incident") if record.home == home}
    assert set(HOSTILE_TITLES) <= titles
    assert max(len(str(title)) for title in titles) == 3000
    recent = {record.values["title"] for record in sample.of("incident") if is_in_month(record.created_at)}
    assert set(HOSTILE_TITLES) <= recent


def test_showcase_change_is_complete(sample: Organization) -> None:
    change = sample.of("change")[SHOWCASE_KEY - 1]
    values = change.at(AS_OF)
    assert values is not None
    assert change.home == "servicenow"
    empty = {name for name, value in values.items() if value is None}
    assert not empty
    assert (values["state"], values["outcome"], values["type"]) == ("closed", "successful", "normal")
    states = [event.changes["state"] for event in change.events if "state" in event.changes]
    assert states == ["assess", "authorize", "scheduled", "implement", "review", "closed"]
    decided_at = approved_at(sample, SHOWCASE_KEY)
    own = [record for record in sample.of("approval") if record.values["change"] == SHOWCASE_KEY]
    assert len({record.values["approver"] for record in own} | {values["requested_by"], values["assignee"]}) == 4
    names = ("planned_start_at", "actual_start_at", "actual_end_at", "planned_end_at", "closed_at")
    moments = [decided_at, *(values[name] for name in names)]
    known = [moment for moment in moments if isinstance(moment, datetime)]
    assert len(known) == len(moments)
    assert all(a < b for a, b in pairwise(known))
    problem = next(v for _, v in now(sample.of("problem")) if v["change"] == SHOWCASE_KEY)
    incident = next(v for _, v in now(sample.of("incident")) if v["change"] == SHOWCASE_KEY)
    assert problem["state"] == "closed" and problem["root_cause"] and problem["workaround"] and problem["fix"]
    assert incident["resolution_code"] == "Resolved by change" and incident["problem"] is not None
    assert {v["service"] for v in (values, problem, incident)} == {values["service"]}
    assert not [v for _, v in now(sample.of("incident")) if v["caused_by_change"] == SHOWCASE_KEY]
