"""What became of an issue that is not shown any more, as far as Jira tells.

Jira keeps no tombstones, and says "not found" of an issue that is deleted and of one that the account may not see. So:

``moved``, ``archived``  the issue itself says so: it is still shown by its id (a move keeps the id, not the key)
``archived``, ``trashed``  its project is; only projects are put into a trash
``not_visible``  anything else. It is never called deleted: the audit log could prove that, but needs the right to
administer Jira, which an account that only reads must not have, and not every site records deletions there.

An answer of trouble with an issue (``issueErrors``) says nothing about it, and ends the read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from connectors import Absence
from connectors.http import Inconsistent, NotFound, ServerFailed
from connectors.jira.answers import IssueHead, decode, moment
from connectors.jira.connection import Connection
from connectors.jira.paging import Issues, issues
from connectors.jira.records import batches
from connectors.jira.roster import Project
from connectors.ordered import ordered

_AT_ONCE = 100
_MOST_ROUNDS = 3
_WHERE = ("project", "archiveddate")


@dataclass(frozen=True, slots=True)
class Sight:
    """Where an issue is now. ``archived`` is since when it is in the archive (a day, or empty), None when it is not."""

    key: str
    project_id: str
    project_key: str
    archived: str | None


def bulk_issues(connection: Connection, ids: Sequence[str], fields: Sequence[str]) -> Issues:
    """The named issues (Cloud, at most 100), as far as they are shown; those that give trouble are asked for again.

    Raises:
        ServerFailed: the site still has trouble with one of them, which says nothing about whether it exists.
    """
    found, asked = Issues([], []), list(ids)
    errors: list[dict[str, object]] = []
    with connection.lend() as client:
        for _ in range(_MOST_ROUNDS):
            answer = client.issues(asked, fields)
            more = issues(answer.issues)
            found = Issues(found.heads + more.heads, found.records + more.records)
            errors = answer.issueErrors or []
            if not errors:
                return found
            asked = [str(error.get("id")) for error in errors]
    raise ServerFailed(
        f"{connection.source}: {len(errors)} issues could not be read now,"
        f" the first {errors[0].get('id')}: {errors[0].get('errorMessage')}",
        "run again",
    )


class Absences:
    """Looks for issues by their ids, whatever project or archive they are in."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def look(self, ids: Sequence[str]) -> Mapping[str, Sight]:
        """Where each of the issues is now; those that the site does not show are absent."""
        look = self._look_cloud if self._connection.is_cloud else self._look_datacenter
        tasks = (partial(look, batch) for batch in batches(ids, _AT_ONCE))
        return {head.id: _sight(head) for head in ordered(tasks, self._connection.settings.concurrency)}

    def explain(self, ids: Sequence[str]) -> Mapping[str, Absence]:
        """An absence for each.

        Raises:
            Inconsistent: one is shown again, where it should be.
            SourceError: a configured project is not shown any more: then nothing can be said of its issues.
        """
        roster = self._connection.call_roster()
        sights = self.look(ids)
        here = [id_ for id_, sight in sights.items() if sight.archived is None and sight.project_id in roster.ids]
        if here:
            raise Inconsistent(
                f"{self._connection.source} issue: {len(here)} issues came back while they were looked for,"
                f" the first {sights[here[0]].key}",
                "run again",
            )
        unseen = self._unseen()
        return {id_: self._told(sights[id_]) if id_ in sights else unseen for id_ in ids}

    def _told(self, sight: Sight) -> Absence:
        if sight.archived is not None:
            since = f" since {sight.archived}" if sight.archived else ""
            return Absence("archived", f"{sight.key} is in Jira's archive{since}, which its search does not show")
        for project in self._connection.roster.put_away:
            if project.id == sight.project_id:
                return _put_away(project)
        return Absence("moved", f"it is {sight.key} now, in project {sight.project_key}, which is not read")

    def _unseen(self) -> Absence:
        """What can be said of an issue that is not shown at all: its record is not known here, so not its project."""
        away = self._connection.roster.put_away
        told = " and ".join(project.describe() for project in away)
        if away and not self._connection.roster.ids:
            last = next((project for project in away if project.state == "trashed"), away[0])
            return Absence(_put_away(last).kind, told)
        reason = "neither the search nor its id shows it: deleted, moved out of sight, or a right was taken away"
        return Absence("not_visible", f"{reason}; {told}" if told else f"{reason}; Jira answers all three alike")

    def _look_cloud(self, ids: Sequence[str]) -> Iterator[IssueHead]:
        return iter(bulk_issues(self._connection, ids, _WHERE).heads)

    def _look_datacenter(self, ids: Sequence[str]) -> Iterator[IssueHead]:
        """One by one: the search shows nothing of the archive."""
        with self._connection.lend() as client:
            for id_ in ids:
                try:
                    head = decode(client.issue(id_, _WHERE), IssueHead)
                except NotFound:
                    continue
                if head.id == id_:
                    yield head


def _sight(head: IssueHead) -> Sight:
    fields = head.fields
    project = fields.project if fields else None
    archived = None
    if fields and fields.archiveddate is not None:
        since = moment(fields.archiveddate)
        archived = f"{since:%Y-%m-%d}" if since else ""
    return Sight(head.key, project.id if project else "", (project.key if project else "") or "", archived)


def _put_away(project: Project) -> Absence:
    return Absence("trashed" if project.state == "trashed" else "archived", project.describe())
