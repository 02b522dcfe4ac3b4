"""``check``: everything that a run needs, tried once, one line each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import SecretStr

from connectors import Finding, Reading, Stream
from connectors.http import SourceError
from connectors.jira.beside import BESIDE, BesideReader
from connectors.jira.connection import Connection
from connectors.jira.histories import HistoryReader
from connectors.jira.issues import IssueReader
from connectors.jira.lists import ListReader
from connectors.jira.records import field_values
from connectors.jira.roster import BROWSE
from connectors.jira.settings import Settings


def check(
    source: str, settings: Settings, secrets: Mapping[str, SecretStr], streams: Sequence[Stream]
) -> Iterator[Finding]:
    """Log-in, time zone, projects, fields, and each of the streams with its count, or the right that is missing."""
    try:
        connection = Connection(source, settings, secrets)
    except SourceError as error:
        yield Finding("log-in and projects", is_ok=False, message=str(error))
        return
    try:
        yield Finding("log-in", is_ok=True, message=f"as {connection.account}; its clock reads {connection.now}")
        yield _zone(connection)
        yield _projects(connection)
        for stream in streams:
            try:
                yield from _try(connection, stream)
            except SourceError as error:
                yield Finding(stream.name, is_ok=False, message=str(error))
    finally:
        connection.close()


def _zone(connection: Connection) -> Finding:
    """A note: whatever the zone is, the overlap covers it."""
    hours = connection.settings.overlap_hours
    try:
        offset = f"{connection.now.astimezone(ZoneInfo(connection.zone)):%z}"
    except (ValueError, ZoneInfoNotFoundError):
        return Finding("time zone", is_ok=True, message=f"not stated; the overlap of {hours} h covers any")
    text = f"the account's is {connection.zone} ({offset}), in which Jira reads the times of a query"
    return Finding("time zone", is_ok=True, message=f"{text}; the overlap of {hours} h covers it")


def _projects(connection: Connection) -> Finding:
    away, count = connection.roster.put_away, len(connection.roster.ids)
    if away:
        told = "; ".join(project.describe() for project in away)
        return Finding("projects", False, f"{told}: restore it, or take it out of `projects` of this source", count)
    return Finding("projects", True, ", ".join(project.key for project in connection.roster.projects), count)


def _try(connection: Connection, stream: Stream) -> Iterator[Finding]:
    """Ask for a little of a stream."""
    if stream.name == "issue":
        yield from _try_issues(connection, stream)
    elif stream.name in BESIDE:
        yield Finding(stream.name, is_ok=True, message="readable", count=BesideReader(connection).count(stream))
    elif stream.follows:
        ids = [head.id for head in IssueReader(connection).newest([]).heads]
        count = len(next(HistoryReader(connection).of(ids)).keys) if ids else 0
        yield Finding(stream.name, is_ok=True, message=f"readable; {count} changes of the newest issues")
    else:
        records = ListReader(connection).records(stream.name)
        yield Finding(stream.name, is_ok=True, message="readable", count=len(records))


def _try_issues(connection: Connection, stream: Stream) -> Iterator[Finding]:
    discovery = connection.discovery()
    undecided = discovery.explain()
    yield Finding("fields", not undecided, undecided or f"{len(discovery.found)} custom fields recognised")
    issues, reading = IssueReader(connection), Reading("full")
    count = sum(len(sweep.keys) for sweep in issues.census(stream, reading))
    notes = "; ".join(gap.reason for gap in reading.gaps)
    message = f"none is shown: {BROWSE}" if not count else f"readable; {notes}" if notes else "readable"
    yield Finding(stream.name, count > 0, message, count)
    slas = [field.id for column, field in discovery.found.items() if column.startswith("sla_")]
    if slas and count:
        records = issues.newest(slas).records
        shown = any(field_values(record, slas) for record in records)
        lacking = "none of the newest issues shows one: the account may need an agent licence"
        yield Finding("SLAs", shown, "shown" if shown else lacking)
