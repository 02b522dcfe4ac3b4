"""What a simulated site holds, and what of it one account is shown: by the search, and by an issue's own id.

The two differ. The search goes by an index that lags behind, and has nothing of the archive nor of projects that are
put away; an issue's id finds it at once, and in the archive. What is in the trash, or hidden, is found by neither.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from connectors.jira.simulator.index import Index
from connectors.jira.simulator.site import Issue, Site, written


class Views(NamedTuple):
    """What the account is shown: by the search, and by id."""

    search: Index
    by_id: Index


class Holdings:
    """The issues and projects of a site. ``lag`` is how long the search goes on showing what was before a change."""

    def __init__(self, site: Site, now: datetime, *, shows_archived_projects: bool) -> None:
        self.lag = timedelta()
        self._shows_archived_projects = shows_archived_projects
        self._now = now
        self._hidden: set[str] = set()
        self._denied: set[str] = set()
        self._waiting: list[tuple[datetime, str, Issue | None]] = []
        self._views: Views | None = None
        self._site = site
        self.load(site)

    @property
    def site(self) -> Site:
        """The site as it was given, with its projects as they are now."""
        return self._site

    def load(self, site: Site) -> None:
        """Hold another site, in the index as well."""
        self._site = replace(site, projects=[dict(project) for project in site.projects])
        self._issues = {issue.id: issue for issue in site.issues}
        self._indexed = dict(self._issues)
        self._waiting.clear()
        self._views = None

    def advance(self, now: datetime) -> None:
        """Let time pass: the index takes in what has waited long enough."""
        self._now, waiting = now, self._waiting
        self._waiting = [one for one in waiting if one[0] > now]
        for due, id_, issue in waiting:
            if due <= now:
                self._index(id_, issue)
        self._views = None

    def put(self, issues: Iterable[Issue]) -> None:
        """Add issues, or replace those of the same id."""
        for issue in issues:
            self._issues[issue.id] = issue
            self._later(issue.id, issue)

    def remove(self, id_: str) -> None:
        """Delete an issue. Raises KeyError when it is not there."""
        del self._issues[id_]
        self._later(id_, None)

    def move(self, id_: str, project_key: str, number: int) -> None:
        """Move an issue to another project, where it gets a new key and keeps its id. It counts as an update."""
        issue, project = self._issues[id_], self._project(project_key)
        at = written(self._now.astimezone(issue.updated.tzinfo))
        shown = {name: project[name] for name in ("id", "key", "name") if name in project}
        fields = {**issue.fields, "project": shown, "updated": at}
        self.put([Issue(id_, f"{project_key}-{number}", fields, issue.histories)])

    def archive(self, id_: str) -> None:
        """Put an issue into the archive; it keeps its time of update."""
        issue = self._issues[id_]
        fields = {**issue.fields, "archiveddate": written(self._now.astimezone(issue.updated.tzinfo))}
        self.put([Issue(id_, issue.key, fields, issue.histories)])

    def put_away(self, key: str, *, is_trashed: bool) -> None:
        """Put a project into the archive or the trash."""
        word = "deleted" if is_trashed else "archived"
        self._project(key).update({word: True, f"{word}Date": written(self._now)})
        self._views = None

    def bring_back(self, key: str) -> None:
        """Make a project live again."""
        project = self._project(key)
        for name in ("archived", "archivedDate", "deleted", "deletedDate"):
            project.pop(name, None)
        self._views = None

    def hide(self, id_: str, *, is_hidden: bool) -> None:
        """Take the right to see an issue away, or give it back."""
        (self._hidden.add if is_hidden else self._hidden.discard)(id_)
        self._views = None

    def deny(self, key: str, *, is_denied: bool) -> None:
        """Take the right to see a project and all that is in it away, or give it back."""
        (self._denied.add if is_denied else self._denied.discard)(key)
        self._views = None

    def views(self) -> Views:
        """What the account is shown now. Made anew whenever something changes."""
        if self._views is None:
            projects = [project for project in self._site.projects if project["key"] not in self._denied]
            live = {p["id"] for p in projects if not p.get("archived") and not p.get("deleted")}
            kept = {
                p["id"]
                for p in projects
                if not p.get("deleted") and p.get("archived") and self._shows_archived_projects
            }
            indexed = [i for i in self._indexed.values() if "archiveddate" not in i.fields]
            self._views = Views(
                Index(self._site, self._shown(indexed, live), projects),
                Index(self._site, self._shown(self._issues.values(), live | kept), projects),
            )
        return self._views

    def _shown(self, issues: Iterable[Issue], projects: set[str]) -> list[Issue]:
        return [i for i in issues if i.id not in self._hidden and i.fields["project"]["id"] in projects]

    def _later(self, id_: str, issue: Issue | None) -> None:
        if self.lag:
            self._waiting.append((self._now + self.lag, id_, issue))
        else:
            self._index(id_, issue)
        self._views = None

    def _index(self, id_: str, issue: Issue | None) -> None:
        if issue is None:
            self._indexed.pop(id_, None)
        else:
            self._indexed[id_] = issue

    def _project(self, key: str) -> dict[str, object]:
        for project in self._site.projects:
            if project["key"] == key:
                return project
        raise KeyError(key)
