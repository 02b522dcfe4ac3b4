"""SLA clocks of the sample's incidents, told by replaying what happened to each incident."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from connectors.sample import Home, Record, Value
from connectors.sample.catalogue import OLA_PRIORITY, OLA_TEAM, Catalogue
from connectors.sample.lives import Life, records

Pauses = list[tuple[datetime, datetime | None]]


@dataclass(frozen=True, slots=True)
class Agreement:
    """A definition as the clocks need it; ``team`` is set for what one team alone has promised."""

    key: int
    target: str
    team: int | None


@dataclass(slots=True)
class Clock:
    """A running clock: its life so far, where it started and its pauses."""

    life: Life
    agreement: Agreement
    started_at: datetime
    pauses: Pauses = field(default_factory=list)


def run_clocks(catalogue: Catalogue, incidents: Iterable[Record]) -> list[Record]:
    """The SLA instances of all incidents. Complaints are under no agreement."""
    agreements = _agreements(catalogue)
    lives: list[Life] = []
    for incident in incidents:
        if incident.values["category"] != "complaint":
            lives += _Incident(incident, agreements).replay()
    return records(lives)


def _agreements(catalogue: Catalogue) -> Mapping[tuple[Home, Value], Sequence[Agreement]]:
    """Agreements by home and priority."""
    team = next(record.key for record in catalogue.records["team"] if record.values["name"] == OLA_TEAM)
    found: dict[tuple[Home, Value], list[Agreement]] = {}
    for record in catalogue.records["sla_definition"]:
        is_ola = record.values["type"] == "ola"
        agreement = Agreement(record.key, str(record.values["target"]), team if is_ola else None)
        found.setdefault((record.home, record.values["priority"]), []).append(agreement)
    return found


class _Incident:
    """The clocks of one incident while its history is replayed.

    The first response stops at the first work on it; the resolution stops when it is resolved, waits while it is on
    hold and starts anew when it is reopened. A new priority cancels what runs and attaches its own agreements,
    counting from the same start (a retroactive start). A cancelled incident cancels what runs.
    """

    def __init__(self, record: Record, agreements: Mapping[tuple[Home, Value], Sequence[Agreement]]) -> None:
        self.record = record
        self.agreements = agreements
        self.values = dict(record.values)
        self.lives: list[Life] = []
        self.running: list[Clock] = []

    def replay(self) -> list[Life]:
        """The lives of all clocks that ever ran on the incident."""
        for target in ("response", "resolution"):
            self._attach(target, self.record.created_at, self.record.created_at, [])
        for event in self.record.events:
            before = self.values["state"]
            self.values |= event.changes
            if "priority" in event.changes:
                self._change_priority(event.at)
            if "team" in event.changes and event.changes["team"] is not None:
                self._hand_over(event.at)
            if self.values["state"] != before:
                self._change_state(str(before), event.at)
        for life in self.lives:
            life.deleted_at = self.record.deleted_at
        return self.lives

    def _attach(self, target: str, at: datetime, started_at: datetime, pauses: Pauses) -> None:
        for agreement in self.agreements[self.record.home, self.values["priority"]]:
            if agreement.target == target and agreement.team in (None, self.values["team"]):
                self._start(agreement, at, started_at, pauses)

    def _start(self, agreement: Agreement, at: datetime, started_at: datetime, pauses: Pauses) -> None:
        values: dict[str, Value] = {
            "definition": agreement.key,
            "incident": self.record.key,
            "started_at": started_at,
            "pauses": list(pauses),
        }
        life = Life("sla_instance", self.record.home, at, 0, values)
        self.lives.append(life)
        self.running.append(Clock(life, agreement, started_at, list(pauses)))

    def _change_priority(self, at: datetime) -> None:
        replaced = [clock for clock in self.running if clock.agreement.team is None]
        self._cancel(at)
        for clock in replaced:
            self._attach(clock.agreement.target, at, clock.started_at, clock.pauses)

    def _hand_over(self, at: datetime) -> None:
        """A promise of the team that now has it begins when it is handed over."""
        if self.values["priority"] != OLA_PRIORITY or self.values["state"] in ("resolved", "closed", "cancelled"):
            return
        for agreement in self.agreements[self.record.home, OLA_PRIORITY]:
            if agreement.team is not None and agreement.team == self.values["team"]:
                self._start(agreement, at, at, [])

    def _change_state(self, before: str, at: datetime) -> None:
        state = self.values["state"]
        if before == "on_hold":
            for clock in self.running:
                clock.pauses = [(start, end or at) for start, end in clock.pauses]
                clock.life.then(at, 0, pauses=list(clock.pauses))
        if state == "in_progress" and before == "new":
            self._stop(at, "response")
        elif state == "in_progress" and before == "resolved":
            self._attach("resolution", at, at, [])
        elif state == "on_hold":
            for clock in self.running:
                clock.pauses = [*clock.pauses, (at, None)]
                clock.life.then(at, 0, pauses=list(clock.pauses))
        elif state == "resolved":
            self._stop(at, None)
        elif state == "cancelled":
            self._cancel(at)

    def _stop(self, at: datetime, target: str | None) -> None:
        for clock in [clock for clock in self.running if target in (None, clock.agreement.target)]:
            clock.life.then(at, 0, stopped_at=at)
            self.running.remove(clock)

    def _cancel(self, at: datetime) -> None:
        for clock in self.running:
            clock.life.then(at, 0, cancelled_at=at)
        self.running = []
