"""What Service Management keeps beside the issues: the request types of its portals, and customer organisations."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import msgspec

from connectors.http import BrokenAnswer, Forbidden, NotFound
from connectors.jira.answers import decode
from connectors.jira.session import Session
from connectors.jira.walk import Entry, Served, walk

_LIMIT = 50
_AGENT = "give the account the role Service Desk Team (an agent licence) there"


class _Page(msgspec.Struct):
    """A page of Service Management's own form. ``size`` is what came: never the limit that was asked for."""

    values: list[msgspec.Raw]
    isLastPage: bool  # noqa: N815 - Jira's name


class _Named(msgspec.Struct):
    id: str | int
    projectId: str | int | None = None  # noqa: N815


class _Workspace(msgspec.Struct):
    workspaceId: str  # noqa: N815


class Desk:
    """The service desks of some projects. ``project_ids`` are those of the projects that are service desks."""

    def __init__(self, session: Session, url: str, project_ids: Collection[str]) -> None:
        self._session = session
        self._root = f"{url}/rest/servicedeskapi"
        self._project_ids = list(project_ids)

    def request_types(self) -> Iterator[list[Entry]]:
        """What may be asked for in the portal of each project, with the key ``<service desk>/<request type>``."""
        for desk in self._desks():
            yield from self._listed(f"servicedesk/{desk}/requesttype", f"{desk}/")

    def organizations(self) -> Iterator[list[Entry]]:
        """The customer organisations that the account sees; none where no project is a service desk."""
        if self._project_ids:
            yield from self._listed("organization")

    def workspace(self) -> str:
        """The id of the site's workspace of Assets (Cloud).

        Raises:
            Forbidden: the site has none, or does not show it.
        """
        try:
            body = self._session.get(f"{self._root}/assets/workspace", {"start": 0, "limit": _LIMIT})
        except NotFound:
            body = self._session.get(f"{self._root}/insight/workspace", {"start": 0, "limit": _LIMIT})
        found = decode(body, _Page).values
        if not found:
            raise Forbidden(
                "Assets: the site shows no workspace",
                "Assets needs Jira Service Management Premium; without it set read_assets = false of this source",
            )
        return decode(bytes(found[0]), _Workspace).workspaceId

    def _desks(self) -> list[str]:
        if not self._project_ids:
            return []
        found = {}
        for entries in self._listed("servicedesk"):
            for entry in entries:
                found[str(_named(entry.record).projectId)] = entry.key
        missing = [id_ for id_ in self._project_ids if id_ not in found]
        if missing:
            raise Forbidden(f"the service desk of project {', '.join(missing)} is not shown to this account", _AGENT)
        return [found[id_] for id_ in self._project_ids]

    def _listed(self, path: str, prefix: str = "") -> Iterator[list[Entry]]:
        def ask(start: int) -> Served:
            page = decode(self._session.get(f"{self._root}/{path}", {"start": start, "limit": _LIMIT}), _Page)
            entries = [Entry(f"{prefix}{_named(bytes(raw)).id}", bytes(raw)) for raw in page.values]
            return Served(start, entries, is_last=page.isLastPage)

        return walk(path, ask)


def _named(record: bytes) -> _Named:
    try:
        return msgspec.json.decode(record, type=_Named)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BrokenAnswer(f"a record is not understood: {error}", "") from error
