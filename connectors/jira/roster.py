"""Where the configured projects are: live, in the archive, in the trash, or nowhere that this account can see.

A project that is put away takes its issues out of every search. Without the roster they would look deleted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from connectors.http import BadRequest, Forbidden, Inconsistent, SourceError
from connectors.jira.answers import ProjectHead, decode
from connectors.jira.client import Client
from connectors.jira.settings import Settings

BROWSE = "give the account the permission Browse projects there, or correct `projects` of this source"
_PUT_AWAY = ("archived", "deleted")


@dataclass(frozen=True, slots=True)
class Project:
    """A configured project with its bytes as sent. ``since`` is when it was put away, as Jira writes it."""

    id: str
    key: str
    state: Literal["live", "archived", "trashed"]
    since: str | None
    record: bytes

    def describe(self) -> str:
        """``project OPS is archived since 2026-11-02``."""
        place = {"live": "live", "archived": "archived", "trashed": "in the trash"}[self.state]
        return f"project {self.key} is {place}" + (f" since {self.since[:10]}" if self.since else "")


@dataclass(frozen=True, slots=True)
class Roster:
    """The configured projects in the order of the configuration."""

    projects: tuple[Project, ...]

    @property
    def ids(self) -> list[str]:
        """Of the projects that can be read."""
        return [one.id for one in self.projects if one.state == "live"]

    @property
    def put_away(self) -> list[Project]:
        """Those in the archive or the trash."""
        return [one for one in self.projects if one.state != "live"]


def read_roster(client: Client, settings: Settings, source: str, account: str) -> Roster:
    """Find every configured project; the archive and the trash are asked for only when one is not among the live.

    Raises:
        Forbidden: one is nowhere; its issues would be missing without a word.
    """
    found = {one.key: one for one in _shown(client, settings)}
    if any(key not in found for key in settings.projects):
        found = {one.key: one for one in _stored_away(client, settings)} | found
    missing = [key for key in settings.projects if key not in found]
    if missing:
        renamed = [text for key in missing if (text := _renamed(client, key))]
        told = f" ({'; '.join(renamed)})" if renamed else ""
        raise Forbidden(f"{source}: not shown to {account}: project {', '.join(missing)}{told}", BROWSE)
    return Roster(tuple(found[key] for key in settings.projects))


def _shown(client: Client, settings: Settings) -> Iterator[Project]:
    if settings.deployment == "cloud":
        yield from _pages(client, ())
    else:
        yield from map(_project, client.listed("project"))


def _stored_away(client: Client, settings: Settings) -> Iterator[Project]:
    """Cloud: archive and trash, where the site lets them be asked for. Data Center has no trash."""
    try:
        if settings.deployment == "cloud":
            yield from _pages(client, _PUT_AWAY)
        else:
            yield from map(_project, client.listed("project", includeArchived="true"))
    except (BadRequest, Forbidden):
        return  # the parameter is experimental on Cloud, and new in Data Center 7.10


def _pages(client: Client, status: Sequence[str]) -> Iterator[Project]:
    start = 0
    while True:
        page = client.projects(start, status)
        yield from (_project(bytes(raw)) for raw in page.values)
        start += len(page.values)
        if page.isLast:
            return
        if not page.values:
            raise Inconsistent("project/search: more projects are announced and none come", "run again")


def _project(record: bytes) -> Project:
    head = decode(record, ProjectHead)
    if head.deleted:
        return Project(head.id, head.key, "trashed", head.deletedDate, record)
    if head.archived:
        return Project(head.id, head.key, "archived", head.archivedDate, record)
    return Project(head.id, head.key, "live", None, record)


def _renamed(client: Client, key: str) -> str:
    """A project is still found by a key that it had before."""
    try:
        now = client.project(key).key
    except SourceError:
        return ""
    return f"{key} is called {now} now" if now != key else ""
