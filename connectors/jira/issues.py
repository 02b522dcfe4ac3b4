"""The issues of the configured projects: what was updated, the census of their ids, and those named by id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Literal

import msgspec

from connectors import Absence, Gap, Page, Reading, Stream, Sweep
from connectors.http import BadRequest, Forbidden, Gone, Inconsistent, NotFound
from connectors.jira.absences import Absences, Sight, bulk_issues
from connectors.jira.answers import IssueHead
from connectors.jira.connection import Connection
from connectors.jira.paging import Issues, LostPlace, Windows, by_token, issues, literal
from connectors.jira.records import batches, issue_page
from connectors.ordered import ordered

_AT_ONCE = 100
_CENSUS_PAGE = {"cloud": 5000, "datacenter": 1000}
"""Ids in a page: as many as either gives at most. A site that gives fewer is asked more often."""
_MOST_ROUNDS = 3
_ESTIMATE_LEAST, _ESTIMATE_SHARE = 10, 0.05
"""By how much the site's own estimate may be above what it shows: it comes from an index that lags behind."""


class IssueReader:
    """Reads the stream ``issue`` over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._settings = connection.settings
        self._source = connection.source
        self._absences = Absences(connection)
        self._listed: set[str] = set()

    # ---------------------------------------------------------------- read

    def read(self, stream: Stream, reading: Reading, _: Iterable[tuple[str, str]]) -> Iterator[Page]:
        """Issues updated since the watermark less the overlap; all, when there is none.

        ``reached`` follows the pages: on Cloud, and in a later run on Data Center, they come in the order of update.
        The watermark is the site's clock at log-in: what is updated from then on may be missing.

        Raises:
            Inconsistent: a field could be any of several, or the pages can't be trusted.
        """
        discovery = self._connection.discovery()
        if discovery.ambiguous:
            raise Inconsistent(f"{self._source}: {discovery.explain()}", "")
        mark = f" fields={discovery.fingerprint()}"
        since = _since(reading, mark)
        in_order = self._connection.is_cloud or since is not None
        for page in self._updated(since, discovery.fields(), discovery.is_service_desk):
            reading.pages += 1
            yield issue_page(stream, page.heads, page.records)
            if in_order and page.reached:
                # open issues are read every time, also those that were last updated long before the watermark
                reading.reached = max(page.reached, since or page.reached).isoformat() + mark
        reading.watermark_to = self._connection.now.isoformat() + mark

    def _updated(self, since: datetime | None, fields: Sequence[str], is_service_desk: bool) -> Iterator[Issues]:
        if not self._connection.roster.ids:
            return
        condition = self._in_scope()
        if since is not None:
            begin = since - timedelta(hours=self._settings.overlap_hours)
            changed = f'updated >= "{literal(begin)}"'
            if is_service_desk and self._settings.reread_days:
                resolved = f'resolved >= "{literal(begin - timedelta(days=self._settings.reread_days))}"'
                changed = f"({changed} OR statusCategory != Done OR {resolved})"
            condition += f" AND {changed}"
        limit = self._settings.page_size
        if self._connection.is_cloud:
            yield from self._by_tokens(condition, fields, limit)
        else:
            # The time of creation never changes, so nothing moves while everything is read.
            clock: Literal["created", "updated"] = "created" if since is None else "updated"
            yield from self._windows(condition, clock, fields, limit, self._settings.concurrency)

    def _by_tokens(self, condition: str, fields: Sequence[str], limit: int) -> Iterator[Issues]:
        """A walk that lost its place is taken up once more, at what it had reached."""
        reached: datetime | None = None
        jql = condition
        for is_last_try in (False, True):
            try:
                with self._connection.lend() as client:
                    for page in by_token(client, f"{jql} ORDER BY updated ASC", fields, limit):
                        yield page
                        reached = page.reached or reached
                return
            except LostPlace:
                if is_last_try:
                    raise
            if reached is not None:
                begin = reached - timedelta(hours=self._settings.overlap_hours)
                jql = f'{condition} AND updated >= "{literal(begin)}"'

    def _windows(
        self, condition: str, clock: Literal["created", "updated"], fields: Sequence[str], limit: int, workers: int
    ) -> Iterator[Issues]:
        connection = self._connection
        return iter(Windows(connection.lend, condition, clock, fields, limit, connection.now, workers))

    def _in_scope(self) -> str:
        return f"project in ({', '.join(self._connection.roster.ids)})"

    # -------------------------------------------------------------- census

    def census(self, stream: Stream, reading: Reading) -> Iterator[Sweep]:
        """The ids of all issues shown now, project by project, each held against the site's own count of it.

        Raises:
            Inconsistent: fewer are shown than the site counts (Data Center, where the count is exact).
        """
        self._listed = set()
        ids, workers = self._connection.roster.ids, self._settings.concurrency
        inner = 1 if len(ids) > 1 else workers
        for found in ordered((partial(self._census_of, id_, inner, reading) for id_ in ids), workers):
            self._listed.update(found)
            yield Sweep(found)
        reading.source_count = len(self._listed)

    def _census_of(self, project_id: str, workers: int, reading: Reading) -> Iterator[list[str]]:
        condition = f"project = {project_id}"
        found: set[str] = set()
        for round_ in range(_MOST_ROUNDS):
            for page in self._ids(condition, workers):
                fresh = list(dict.fromkeys(head.id for head in page.heads if head.id not in found))
                found.update(fresh)
                yield fresh
            counted = self._count(condition)
            if self._connection.is_cloud:
                lacking = counted - len(found) > max(_ESTIMATE_LEAST, _ESTIMATE_SHARE * counted)
                if lacking and round_:
                    self._note(project_id, counted, len(found), reading)
                    return
            else:
                lacking = counted > len(found)
            if not lacking:
                return
        raise Inconsistent(
            f"{self._source} issue: project {project_id} counts {counted} issues and shows {len(found)}",
            "run again; if it stays, rebuild the search index of the site",
        )

    def _ids(self, condition: str, workers: int) -> Iterator[Issues]:
        limit = _CENSUS_PAGE[self._settings.deployment]
        if self._connection.is_cloud:
            return self._by_tokens(condition, ["id"], limit)
        return self._windows(condition, "created", ["id"], limit, workers)

    def _count(self, condition: str) -> int:
        with self._connection.lend() as client:
            if self._connection.is_cloud:
                try:
                    return client.estimate(condition)
                except (BadRequest, Forbidden, Gone, NotFound):
                    return 0  # a second opinion that the site need not give
            return client.find(condition, ["id"], 0).total or 0

    def _note(self, project_id: str, counted: int, shown: int, reading: Reading) -> None:
        key = next((one.key for one in self._connection.roster.projects if one.id == project_id), project_id)
        reason = f"the site estimates {counted} issues in {key} and shows {shown}, asked twice"
        reading.gaps.append(Gap("hidden", f"project {key}", reason))

    # --------------------------------------------------------------- fetch

    def fetch(self, stream: Stream, keys: Sequence[str], reading: Reading) -> Iterator[Page]:
        """The named issues, as far as they are live and in the projects that are read.

        The search does not show the archive, and its index may have lost an issue: one that the census does not name
        is looked for by its id. What is found, or not, corrects the count of the census.
        """
        known = [key for key in keys if key in self._listed]
        others = [key for key in keys if key not in self._listed]
        sights = self._absences.look(others) if others else {}
        wanted = known + [key for key in others if key in sights and self._is_in_scope(sights[key])]
        found: set[str] = set()
        tasks = (partial(self._named, batch) for batch in batches(wanted, _AT_ONCE))
        for page in ordered(tasks, self._settings.concurrency):
            reading.pages += 1
            found.update(head.id for head in page.heads)
            yield issue_page(stream, page.heads, page.records)
        if reading.source_count is not None:
            vanished = [key for key in known if key not in found]
            reading.source_count += len(found - self._listed) - len(vanished)
            reason = "among the ids that the search shows, and not shown by its id: deleted meanwhile, or hidden"
            reading.gaps += [Gap("hidden", key, reason) for key in vanished]

    def _is_in_scope(self, sight: Sight) -> bool:
        return sight.archived is None and sight.project_id in self._connection.roster.ids

    def _named(self, ids: Sequence[str]) -> Iterator[Issues]:
        found = self._by_id(ids)
        if not {head.id for head in found.heads} <= set(ids):
            raise Inconsistent(f"{self._source} issue: asked for named issues, others came", "")
        scope = set(self._connection.roster.ids)
        yield found.kept([n for n, head in enumerate(found.heads) if _project(head) in scope])

    def _by_id(self, ids: Sequence[str]) -> Issues:
        fields = self._connection.discovery().fields()
        if self._connection.is_cloud:
            return bulk_issues(self._connection, ids, fields)
        with self._connection.lend() as client:
            # validateQuery: an id that is gone would make the whole query an error
            jql = f"{self._in_scope()} AND id in ({','.join(ids)})"
            page = client.find(jql, fields, len(ids), validateQuery="false")
            if (page.total or 0) > len(page.issues):
                raise Inconsistent(f"{self._source} issue: {len(page.issues)} of {page.total} named issues came", "")
            found = issues(page.issues)
            # an issue that the index has lost still has an address
            lost = sorted(set(ids) - {head.id for head in found.heads} - self._listed)
            for id_ in lost:
                try:
                    one = issues([msgspec.Raw(client.issue(id_, fields))])
                except NotFound:
                    continue
                found = Issues(found.heads + one.heads, found.records + one.records)
        return found

    # ------------------------------------------------------------- explain

    def explain(self, stream: Stream, keys: Sequence[str], reading: Reading) -> Mapping[str, Absence]:
        """What became of issues that are neither in the census nor shown by their id. See ``absences``."""
        return self._absences.explain(keys)

    # --------------------------------------------------------------- check

    def newest(self, fields: Sequence[str]) -> Issues:
        """Fifty of the newest issues."""
        if not self._connection.roster.ids:
            return Issues([], [])
        jql, asked = f"{self._in_scope()} ORDER BY created DESC", ["id", *fields]
        with self._connection.lend() as client:
            page = client.search(jql, asked, 50) if self._connection.is_cloud else client.find(jql, asked, 50)
        return issues(page.issues)


def _since(reading: Reading, mark: str) -> datetime | None:
    """Where the window begins. When other fields are asked for than last time, older issues lack them: all again."""
    if reading.watermark_from is None or not reading.watermark_from.endswith(mark):
        return None
    return datetime.fromisoformat(reading.watermark_from.removesuffix(mark))


def _project(head: IssueHead) -> str:
    return head.fields.project.id if head.fields and head.fields.project else ""
