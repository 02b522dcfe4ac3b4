"""The sample organisation's registers as they stood at a moment: a few dozen rows, told from its name and seed.

A row exists from its first day on; what happens to it later shows from that day on, what is planned shows at once.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from connectors.files.streams import REGISTERS
from connectors.sample import Organization

Row = dict[str, str]

_PLANNED = ("planned_on", "due_on", "review_on", "valid_until", "contract_until", "actions_due_on")
"""Dates that are known before they come."""

_SUPPLIERS = (
    ("Noorderveld Hosting", "data centre", "high", 24),
    ("Brightmast Networks", "lines between the sites", "high", 36),
    ("Tollens & Vaart Software", "maintenance of the customer portal", "high", 24),
    ("Ebbinghe Print", "bills on paper", "low", 36),
    ("Quayside Telephony", "telephone exchange of the contact centre", "medium", 24),
    ("Meridian Meters", "meter reading devices", "medium", 48),
    ("Lindqvist Field Services", "technicians in the field", "medium", 24),
    ("Polderline Security", "monitoring of security events", "high", 12),
)


@dataclass(frozen=True, slots=True)
class _Told:
    """A row and its life: ``steps`` are (day, status, values that are known from that day on)."""

    key: str
    values: Mapping[str, str]
    steps: Sequence[tuple[date, str, Mapping[str, str]]]

    def at(self, today: date) -> Row | None:
        """The row as it stood on a day; None before it was entered."""
        if self.steps[0][0] > today:
            return None
        row = {"id": self.key, **self.values}
        for day, status, values in self.steps:
            if day <= today:
                row |= {"status": status, **values}
        return {name: cell for name, cell in row.items() if name in _PLANNED or not _is_later(name, cell, today)}


def rows(organization: Organization, moment: datetime) -> dict[str, list[Row]]:
    """The rows of every register by its name."""
    today = moment.astimezone(ZoneInfo(organization.time_zone)).date()
    told = _Registers(organization).tell()
    return {name: [row for one in told[name] if (row := one.at(today)) is not None] for name in REGISTERS}


def text(register: str, listed: Iterable[Row]) -> str:
    """A register's file."""
    out = io.StringIO()
    names = [field.name for field in REGISTERS[register].fields]
    writer = csv.DictWriter(out, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(listed)
    return out.getvalue()


def _is_later(name: str, cell: str, today: date) -> bool:
    return name.endswith("_on") and cell > today.isoformat()


class _Registers:
    """Tells every register once; each draws from a stream of its own."""

    def __init__(self, organization: Organization) -> None:
        self._organization = organization
        self._people = [str(person.values["name"]) for person in organization.of("person")][:40]
        self._services = [
            str(service.values["name"])
            for service in organization.of("service")
            if service.values.get("state") != "retired"
        ]

    def tell(self) -> dict[str, list[_Told]]:
        return {name: list(getattr(self, f"_{name}")(self._stream(name))) for name in REGISTERS}

    def _stream(self, name: str) -> Random:
        return Random(f"{self._organization.name}/{self._organization.seed}/{name}")

    def _documents(self, draw: Random) -> Iterator[_Told]:
        titles = (
            ("Service management policy", "policy", "5.2"),
            ("Scope of the service management system", "scope", "4.3"),
            ("Service management plan", "plan", "6.3"),
            ("Change management policy", "policy", "8.5.1.1"),
            ("Information security policy", "policy", "8.7.3.1"),
            ("Incident procedure", "procedure", "8.6.1"),
            ("Major incident procedure", "procedure", "8.6.1"),
            ("Problem procedure", "procedure", "8.6.3"),
            ("Release and deployment policy", "policy", "8.5.3"),
            ("Catalogue of services", "record", "8.2.4"),
            ("Supplier procedure", "procedure", "8.3.4"),
            ("Audit programme", "plan", "9.2"),
            ("Continual improvement procedure", "procedure", "10.2"),
        )
        for n, (title, kind, clause) in enumerate(titles, start=1):
            begin = _day(2025, 5) + timedelta(days=draw.randrange(120))
            values = {"title": title, "kind": kind, "clauses": clause, "owner": self._person(draw)}
            approver, version = self._person(draw), f"{draw.randrange(1, 4)}.0"
            approved = begin + timedelta(days=draw.randrange(20, 50))
            again = approved + timedelta(days=365 + draw.randrange(-30, 40))
            yield _Told(
                f"DOC-{n:03}",
                values | {"created_on": f"{begin}", "location": f"sms/{kind}/{n:03}"},
                [
                    (begin, "draft", {"version": "0.1"}),
                    (approved, "approved", _approval(approved, approver, version)),
                    (again, "approved", _approval(approved, approver, version) | _reviewed(again)),
                ],
            )

    def _audits(self, draw: Random) -> Iterator[_Told]:
        areas = (
            ("Context, leadership and planning", "4.1 4.2 4.3 4.4 5.1 5.2 5.3 6.1 6.2 6.3"),
            ("Support and documentation", "7.1 7.2 7.3 7.4 7.5 7.6"),
            ("Resolution and assurance", "8.6.1 8.6.2 8.6.3 8.7.1 8.7.2 8.7.3"),
            ("Design, build and transition", "8.5.1 8.5.2 8.5.3"),
            ("Relationship and supply", "8.3.2 8.3.3 8.3.4 8.4.1 8.4.2 8.4.3"),
        )
        for n, (title, clauses) in enumerate(areas, start=1):
            planned = _AUDITED[n - 1]
            held = planned + timedelta(days=draw.randrange(6))
            values = {"title": title, "clauses": clauses, "planned_on": f"{planned}", "kind": "internal"}
            yield _Told(
                f"AUD-{n:02}",
                values | {"owner": self._person(draw), "auditor": self._person(draw)},
                [
                    (_day(2025, 5), "planned", {}),
                    (held, "held", {"started_on": f"{held - timedelta(days=1)}", "held_on": f"{held}"}),
                ],
            )

    def _audit_findings(self, draw: Random) -> Iterator[_Told]:
        titles = (
            ("Approval dated after the start of a change", 4, "8.5.1.3", "major"),
            ("Review date of a procedure has passed", 2, "7.5.3", "minor"),
            ("Competence of a new analyst is not recorded", 2, "7.2", "minor"),
            ("Objectives have no owner", 1, "6.2", "observation"),
            ("Problem closed without a cause", 3, "8.6.3", "minor"),
            ("Continuity test has no list of participants", 3, "8.7.2", "observation"),
            ("Release notes lack known errors", 4, "8.5.3", "opportunity"),
            ("Contract review is not dated", 5, "8.3.4.1", "minor"),
        )
        for n, (title, audit, clause, grade) in enumerate(titles, start=1):
            raised = _AUDITED[audit - 1] + timedelta(days=7 + draw.randrange(4))
            yield self._opened(
                draw,
                f"FND-{n:03}",
                raised,
                "raised_on",
                {"audit_id": f"AUD-{audit:02}", "title": title, "clauses": clause, "grade": grade},
            )

    def _management_reviews(self, draw: Random) -> Iterator[_Told]:
        for n, (year, month) in enumerate(((2025, 6), (2025, 12), (2026, 6), (2026, 12)), start=1):
            values = {"title": f"Management review {n}", "kind": "management_review", "clauses": "9.3"}
            inputs = "actions; objectives; performance of services; nonconformities; audits; risks; opportunities"
            yield self._meeting(draw, f"MRV-{n:02}", _day(year, month, 18), values | {"inputs": inputs})
        customers = ("Grid Operations", "Customer Care", "Heat and Water")
        for n in range(18):
            day = _day(2025 + (4 + n) // 12, (4 + n) % 12 + 1, 21)
            if n % 3 == 2:
                customer = customers[n // 3 % 3]
                values = {"title": f"Service review with {customer}", "kind": "service_review", "customer": customer}
                yield self._meeting(draw, f"SRV-{n // 3 + 1:02}", day, values | {"clauses": "8.3.2"})

    def _management_review_actions(self, draw: Random) -> Iterator[_Told]:
        titles = ("Renew the audit programme", "Fill the post of problem manager", "Agree targets for field services",
                  "Report capacity by service", "Train the new change manager", "Close overdue findings")  # fmt: skip
        for n, title in enumerate(titles, start=1):
            review = (n - 1) // 2 + 1
            decided = (_day(2025, 6, 18), _day(2025, 12, 18), _day(2026, 6, 18))[review - 1] + timedelta(days=5)
            values = {"title": title, "review_id": f"MRV-{review:02}"}
            yield self._opened(draw, f"ACT-{n:03}", decided, "decided_on", values)
        for n in range(6):
            decided = _day(2026, 4 + n, 6)
            values = {"title": f"Explain the figures of {decided - timedelta(days=20):%B}"}
            month = {"report_period": f"{decided - timedelta(days=20):%Y-%m}"}
            yield self._opened(draw, f"ACT-{n + 101}", decided, "decided_on", values | month)

    def _suppliers(self, draw: Random) -> Iterator[_Told]:
        named = [str(record.values["name"]) for record in self._organization.of("supplier")]
        told = [(name, "", "medium", 24) for name in named] or _SUPPLIERS
        for n, (name, delivers, criticality, months) in enumerate(told, start=1):
            begin = _day(2025, 5, 1) - timedelta(days=draw.randrange(300))
            end = begin + timedelta(days=round(months * 30.4))
            values = {
                "name": name,
                "owner": self._person(draw),
                "service": draw.choice(self._services),
                "kind": "external",
                "criticality": criticality,
                "contract": f"C-{2000 + n}{f', {delivers}' if delivers else ''}",
                "contract_from_on": f"{begin}",
                "contract_until": f"{end}",
                "review_interval_months": "12",
                "amount": f"{draw.randrange(20, 400) * 1000}",
                "currency": "EUR",
            }
            first = _day(2025, 5) + timedelta(days=draw.randrange(200))
            second = first + timedelta(days=365 + draw.randrange(-20, 60))
            steps: list[tuple[date, str, Mapping[str, str]]] = [(_day(2025, 5), "active", {})]
            steps += [(day, "active", _reviewed(day)) for day in (first, second)]
            yield _Told(f"SUP-{n:03}", values, steps)

    def _continuity_plans(self, draw: Random) -> Iterator[_Told]:
        for n, service in enumerate(self._services[:5], start=1):
            approved = _day(2025, 5, 5) + timedelta(days=draw.randrange(60))
            values = {"title": f"Continuity of {service}", "service": service, "owner": self._person(draw)}
            hours = {"test_interval_months": "12", "recovery_hours": draw.choice(["4", "8", "24"])}
            steps = [
                (_day(2025, 5), "draft", {"version": "0.9"}),
                (approved, "approved", {"version": "1.0", "approved_on": f"{approved}"}),
            ]
            yield _Told(f"PLN-{n:02}", values | hours, steps)

    def _continuity_tests(self, draw: Random) -> Iterator[_Told]:
        for n in range(8):
            plan, planned = n % 5 + 1, _day(2025, 9) + timedelta(days=45 * n)
            held = planned + timedelta(days=draw.randrange(9))
            values = {"plan_id": f"PLN-{plan:02}", "title": f"Test of plan {plan}", "planned_on": f"{planned}"}
            result = "passed_with_issues" if n % 4 == 1 else "passed"
            outcome = {"result": result, "held_on": f"{held}", "recovery_hours": f"{draw.randrange(2, 9)}"}
            if n % 4 == 1:
                outcome |= {"actions": "Correct the call list", "actions_due_on": f"{held + timedelta(days=60)}"}
            steps = [(planned - timedelta(days=60), "planned", {}), (held, "held", outcome)]
            yield _Told(f"TST-{n + 1:02}", values | {"kind": "test", "owner": self._person(draw)}, steps)

    def _risks(self, draw: Random) -> Iterator[_Told]:
        titles = ("Single supplier of lines", "Loss of the last expert on telemetry", "Unsupported database version",
                  "Shared log-in at the field depot", "Flood at data hall Wilgendam", "New reporting duty for outages",
                  "Automatic meter reading for all", "Merger of two service desks")  # fmt: skip
        for n, title in enumerate(titles, start=1):
            identified = _day(2025, 5, 8) + timedelta(days=draw.randrange(400))
            values = {
                "title": title,
                "kind": "opportunity" if n >= 7 else "risk",
                "likelihood": f"{draw.randrange(1, 6)}",
                "impact": f"{draw.randrange(1, 6)}",
                "treatment": "reduce" if n < 5 else "accept",
                "service": draw.choice(self._services),
                "clauses": "6.1",
            }
            yield self._opened(draw, f"RSK-{n:03}", identified, "identified_on", values)

    def _nonconformities(self, draw: Random) -> Iterator[_Told]:
        titles = (
            ("Procedure past its review date", "FND-002", "7.5.3", "minor", _AUDITED[1]),
            ("No record of competence", "FND-003", "7.2", "minor", _AUDITED[1]),
            ("Service report sent late", "", "9.4", "minor", _day(2025, 12, 3)),
            ("Problem without a cause", "FND-005", "8.6.3", "minor", _AUDITED[2]),
            ("Configuration items without an owner", "", "8.2.6", "minor", _day(2026, 4, 7)),
            ("Change started before its approval", "FND-001", "8.5.1.3", "major", _AUDITED[3]),
        )
        for n, (title, finding, clause, grade, noticed) in enumerate(titles, start=1):
            raised = noticed + timedelta(days=15 + draw.randrange(9))
            closed = raised + timedelta(days=40 + draw.randrange(40))
            reviewed = closed + timedelta(days=35)
            ended = {"closed_on": f"{closed}", "action_closed_on": f"{closed}"}
            effect = {"effectiveness_reviewed_on": f"{reviewed}", "effectiveness": "effective"}
            values = {"title": title, "finding_id": finding, "clauses": clause, "grade": grade, "cause": "procedure"}
            dates = {"raised_on": f"{raised}", "due_on": f"{raised + timedelta(days=60)}"}
            steps = [(raised, "open", {}), (closed, "closed", ended)]
            steps += [(reviewed, "closed", effect)] if n % 3 else []
            yield _Told(f"NCR-{n:03}", values | dates | {"owner": self._person(draw)}, steps)

    def _improvements(self, draw: Random) -> Iterator[_Told]:
        titles = ("Fewer forms for standard changes", "Knowledge articles beside the ticket form",
                  "Chart of outages on the portal", "One calendar for releases", "Automatic discovery in the depots",
                  "Survey after each request")  # fmt: skip
        for n, title in enumerate(titles, start=1):
            begin = _day(2025, 6) + timedelta(days=60 * n + draw.randrange(20))
            days = [begin + timedelta(days=d) for d in (0, 20, 110, 170)]
            values = {"title": title, "origin": "management review", "proposed_on": f"{begin}"}
            cost = {"due_on": f"{begin + timedelta(days=120)}", "amount": f"{draw.randrange(2, 30)}000"}
            steps = [
                (days[0], "proposed", {}),
                (days[1], "approved", {"approved_on": f"{days[1]}"}),
                (days[2], "done", {"done_on": f"{days[2]}"}),
                (days[3], "reviewed", {"reviewed_on": f"{days[3]}", "benefit_achieved": "partly" if n % 2 else "yes"}),
            ]
            yield _Told(f"IMP-{n:03}", values | cost | {"currency": "EUR", "owner": self._person(draw)}, steps)

    def _training(self, draw: Random) -> Iterator[_Told]:
        for n in range(12):
            planned = _day(2025, 5, 12) + timedelta(days=48 * n)
            held = planned + timedelta(days=draw.randrange(4))
            course = ("Change authority", "Major incident lead", "Awareness of the policy")[n % 3]
            values = {"person": self._person(draw), "title": course, "planned_on": f"{planned}"}
            done = {"held_on": f"{held}", "result": "passed", "valid_until": f"{held + timedelta(days=730)}"}
            steps = [(planned - timedelta(days=30), "planned", {}), (held, "held", done)]
            yield _Told(f"TRN-{n + 1:03}", values | {"owner": self._person(draw)}, steps)

    # -------------------------------------------------------------- parts

    def _person(self, draw: Random) -> str:
        return draw.choice(self._people)

    def _opened(self, draw: Random, key: str, begin: date, column: str, values: Mapping[str, str]) -> _Told:
        """Something that is open until it is closed, most of the time before it is due."""
        due = begin + timedelta(days=60)
        closed = begin + timedelta(days=draw.randrange(20, 95))
        dates = {column: f"{begin}", "due_on": f"{due}", "owner": self._person(draw)}
        middle = begin + timedelta(days=12)
        steps = [(begin, "open", {}), (middle, "in_progress", {}), (closed, "closed", {"closed_on": f"{closed}"})]
        return _Told(key, {**values, **dates}, steps)

    def _meeting(self, draw: Random, key: str, planned: date, values: Mapping[str, str]) -> _Told:
        """A review that is planned, and held with minutes."""
        held = planned + timedelta(days=draw.randrange(5))
        given = {**values, "planned_on": f"{planned}", "owner": self._person(draw)}
        minutes = {"held_on": f"{held}", "minutes": f"minutes/{key.lower()}.pdf"}
        return _Told(key, given, [(planned - timedelta(days=75), "planned", {}), (held, "held", minutes)])


def _day(year: int, month: int, day: int = 1) -> date:
    return date(year, month, day)


_AUDITED = (_day(2025, 6, 10), _day(2025, 9, 16), _day(2026, 1, 20), _day(2026, 5, 12), _day(2026, 11, 17))


def _approval(day: date, approver: str, version: str) -> dict[str, str]:
    year = day + timedelta(days=365)
    return {"approved_on": f"{day}", "approver": approver, "version": version, "review_on": f"{year}"}


def _reviewed(day: date) -> dict[str, str]:
    return {"reviewed_on": f"{day}", "review_on": f"{day + timedelta(days=365)}"}
