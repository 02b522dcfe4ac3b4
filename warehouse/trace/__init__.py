"""One change from request to review: each step with time, actor and the evidence behind it, or what is missing.

Clause 8.5.1 (change management) is where an auditor starts: one record, all its steps. The trace reads the published
warehouse only; `record_sha256` is the hash of the record's bytes as received, to compare with the evidence file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import duckdb

Row = dict[str, object]
Status = Literal["done", "late", "missing", "not_required", "open"]

_FOLDER = Path(__file__).parent


class UnknownNumberError(Exception):
    """No change has this number."""


class AmbiguousNumberError(Exception):
    """Changes of several sources have this number; ``sources`` lists them."""

    def __init__(self, number: str, found: Sequence[tuple[str, str]]) -> None:
        self.sources = [source for source, _ in found]
        listed = "; ".join(f"--source {source}: {title}" for source, title in found)
        super().__init__(f"{len(found)} sources have a change {number}; name one of them ({listed})")


@dataclass(frozen=True, slots=True)
class Proof:
    """A stored version: its id and the SHA-256 of its bytes as received."""

    evidence_id: str
    record_sha256: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the change; ``missing`` says what an auditor would ask for."""

    name: str
    status: Status
    at: datetime | None = None
    actor: str | None = None
    detail: str | None = None
    missing: str | None = None
    proofs: tuple[Proof, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """A linked record; ``is_known`` is false when the warehouse has no such record."""

    entity: str
    relation: str
    record_id: str
    number: str | None
    title: str | None
    state: str | None
    is_known: bool
    proof: Proof
    source_url: str | None


@dataclass(frozen=True, slots=True)
class ChangeTrace:
    """The whole trace; `as_dict` is its JSON form."""

    number: str
    title: str | None
    source: str
    source_url: str | None
    change_id: str
    type: str
    risk: str | None
    state: str
    original_state: str | None
    outcome: str | None
    service: str | None
    team: str | None
    as_of: datetime | None
    proof: Proof
    steps: tuple[Step, ...]
    links: tuple[Link, ...]
    history: tuple[Row, ...] = field(default=())
    figures: tuple[Row, ...] = field(default=())

    @property
    def missing(self) -> list[str]:
        """Names of the steps that are missing or late."""
        return [step.name for step in self.steps if step.status in ("missing", "late")]

    def as_dict(self) -> dict[str, object]:
        """Plain values only; times in ISO 8601, UTC."""
        return {"is_complete": not self.missing, **{k: _plain(v) for k, v in asdict(self).items()}}


def trace_change(con: duckdb.DuckDBPyConnection, number: str, source: str | None = None) -> ChangeTrace:
    """The trace of the change with this number, from a published warehouse.

    Raises:
        UnknownNumberError: no change has this number (in this source).
        AmbiguousNumberError: several sources have it and none is named.
    """
    found = [row for row in _rows(con, "change", number=number) if source in (None, row["source"])]
    if not found:
        where = f" in {source}" if source else ""
        raise UnknownNumberError(f"no change {number}{where} is in the warehouse; `sms-evidence sync` reads new ones")
    if len(found) > 1:
        raise AmbiguousNumberError(number, [(str(row["source"]), str(row["title"])) for row in found])
    change = found[0]
    change_id = str(change["change_id"])
    zone = _zone(con)
    approvals = _rows(con, "approvals", change_id=change_id)
    history = _rows(con, "history", change_id=change_id)
    links = tuple(_link(row) for row in _rows(con, "links", change_id=change_id))
    return ChangeTrace(
        number=str(change["number"]),
        title=_text(change["title"]),
        source=str(change["source"]),
        source_url=_text(change["source_url"]),
        change_id=change_id,
        type=str(change["type"]),
        risk=_text(change["risk"]),
        state=str(change["state"]),
        original_state=_text(change["original_state"]),
        outcome=_text(change["outcome"]),
        service=_text(change["service"]),
        team=_text(change["team"]),
        as_of=_time(change["observed_at"]),
        proof=_proof(change),
        steps=(
            _raised(change),
            _assessed(change, history),
            _approved(change, approvals, history, zone),
            _implemented(change, history, zone),
            _reviewed(change),
            _linked(change, links),
        ),
        links=links,
        history=tuple(history),
        figures=tuple(_rows(con, "figures", change_id=change_id)),
    )


def _raised(change: Row) -> Step:
    at, actor = _time(change["opened_at"]), _text(change["requested_by"])
    lacking = [what for what, value in (("a time", at), ("a requester", actor)) if value is None]
    kind = f"{change['type']} change" + (f", {change['risk']} risk" if change["risk"] else "")
    return Step(
        "raised",
        "missing" if lacking else "done",
        at,
        actor,
        kind,
        f"the record has no {' and no '.join(w[2:] for w in lacking)}" if lacking else None,
        (_proof(change),),
    )


def _assessed(change: Row, history: Sequence[Row]) -> Step:
    moves = [h for h in history if h["field"] == "state" and h["from_value"] == "assess"]
    entered = [h for h in history if h["field"] == "state" and h["to_value"] == "assess"]
    found = moves or entered
    last = found[-1] if found else None
    at = _time(last["changed_at"]) if last else None
    actor = _text(last["changed_by"]) if last else None
    proofs = (_proof(change), *((_proof(last),) if last else ()))
    text, risk = _text(change["assessment"]), _text(change["risk"])
    if change["is_preapproved"]:
        return Step("assessed", "not_required", at, actor, "standard change: assessed with its model", None, proofs)
    if text is None or risk is None:
        lacking = " and ".join(
            what for what, value in (("risk level", risk), ("risk and impact analysis", text)) if value is None
        )
        return Step("assessed", "missing", at, actor, risk and f"risk {risk}", f"no {lacking} is recorded", proofs)
    return Step("assessed", "done", at, actor, f"risk {risk}: {text}", None, proofs)


def _approved(change: Row, approvals: Sequence[Row], history: Sequence[Row], zone: ZoneInfo) -> Step:
    given = [a for a in approvals if a["state"] == "approved"]
    rejected = [a for a in approvals if a["state"] == "rejected"]
    final = [h for h in history if h["field"] == "approval" and h["to_value"] == "approved"]
    proofs = tuple(_proof(row) for row in (*approvals, *final[-1:])) or (_proof(change),)
    at, started = _time(change["approved_at"]), _time(change["actual_start_at"])
    actor = ", ".join(str(a["approver"]) for a in given if a["approver"]) or None
    detail = "; ".join(_decision(a, zone) for a in approvals) or None
    if change["is_preapproved"]:
        return Step("approved", "not_required", at, actor, "standard change: approved with its model", None, proofs)
    if rejected and change["approval"] != "approved":
        return Step("approved", "missing", at, actor, detail, "the approval was refused", proofs)
    if at is None:
        if started is None and change["state"] not in ("closed", "review"):
            return Step("approved", "open", None, actor, detail, None, proofs)
        return Step("approved", "missing", None, actor, detail, "no final approval is recorded", proofs)
    if started is not None and at > started:
        return Step(
            "approved", "late", at, actor, detail, f"approved after the start at {_moment(started, zone)}", proofs
        )
    return Step("approved", "done", at, actor, detail, None, proofs)


def _implemented(change: Row, history: Sequence[Row], zone: ZoneInfo) -> Step:
    moves = [h for h in history if h["field"] == "state" and "implement" in (h["from_value"], h["to_value"])]
    proofs = (_proof(change), *(_proof(h) for h in moves))
    start, end = _time(change["actual_start_at"]), _time(change["actual_end_at"])
    actor = _text(change["assigned_to"])
    planned = [_moment(_time(change[name]), zone) for name in ("planned_start_at", "planned_end_at")]
    detail = f"{_moment(start, zone)} to {_moment(end, zone)}; planned {planned[0]} to {planned[1]}"
    if change["state"] == "cancelled" and start is None:
        return Step("implemented", "not_required", None, actor, "cancelled before it was implemented", None, proofs)
    if start is None or end is None:
        if change["state"] in ("closed", "review"):
            return Step("implemented", "missing", end, actor, detail, "no actual start and end are recorded", proofs)
        return Step("implemented", "open", start, actor, detail, None, proofs)
    return Step(
        "implemented", "done", end, actor, f"{detail}; outcome {change['outcome'] or 'not recorded'}", None, proofs
    )


def _reviewed(change: Row) -> Step:
    at, text, end = _time(change["reviewed_at"]), _text(change["review"]), _time(change["actual_end_at"])
    proofs = (_proof(change),)
    if change["state"] == "cancelled" and change["actual_start_at"] is None:
        return Step("reviewed", "not_required", at, None, "cancelled before it was implemented", None, proofs)
    if text is not None and at is not None and (end is None or at >= end):
        return Step("reviewed", "done", at, None, text, None, proofs)
    if change["state"] != "closed":
        return Step("reviewed", "open", at, None, text, None, proofs)
    if text is None:
        return Step("reviewed", "missing", at, None, None, "closed without a review", proofs)
    reason = "the review has no date" if at is None else "the review is dated before the actual end"
    return Step("reviewed", "missing", at, None, text, reason, proofs)


def _linked(change: Row, links: Sequence[Link]) -> Step:
    items = [link for link in links if link.entity == "configuration_item" and link.is_known]
    others = [link for link in links if link.entity != "configuration_item"]
    detail = ", ".join(sorted({str(link.number or link.record_id) for link in (*items, *others)})) or None
    proofs = tuple(link.proof for link in links) or (_proof(change),)
    if not items:
        return Step("linked", "missing", None, None, detail, "no configuration item that exists is linked", proofs)
    return Step("linked", "done", None, None, detail, None, proofs)


def _decision(approval: Row, zone: ZoneInfo) -> str:
    decided = _time(approval["decided_at"])
    when = f" {_moment(decided, zone)}" if decided else ""
    return f"{approval['approver'] or 'somebody unnamed'}: {approval['state']}{when}"


def _link(row: Row) -> Link:
    relation = str(row["type"])
    return Link(
        str(row["entity"]),
        _REVERSED.get(relation, f"is {relation} of") if row["is_reverse"] else relation,
        str(row["record_id"]),
        _text(row["number"]),
        _text(row["title"]),
        _text(row["state"]),
        bool(row["is_known"]),
        _proof(row),
        _text(row["source_url"]),
    )


_REVERSED = {
    "caused_by": "causes",
    "resolved_by": "resolves",
    "has_problem": "is the problem of",
    "child_of": "is the parent of",
    "duplicate_of": "has the duplicate",
    "affects": "is affected by",
    "relates_to": "relates_to",
}


def _rows(con: duckdb.DuckDBPyConnection, query: str, **parameters: str) -> list[Row]:
    cursor = con.execute((_FOLDER / f"{query}.sql").read_text(encoding="utf-8"), parameters)
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _proof(row: Row) -> Proof:
    return Proof(str(row["evidence_id"]), _text(row["record_sha256"]))


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _time(value: object) -> datetime | None:
    return value if isinstance(value, datetime) else None


def _zone(con: duckdb.DuckDBPyConnection) -> ZoneInfo:
    """The report time zone: the texts of a trace speak in it, its times are instants."""
    row = con.execute("select value from metrics.setting where name = 'time_zone'").fetchone()
    return ZoneInfo(str(row[0]) if row else "UTC")


def _moment(value: datetime | None, zone: ZoneInfo) -> str:
    return f"{value.astimezone(zone):%Y-%m-%d %H:%M}" if value else "not recorded"


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value
