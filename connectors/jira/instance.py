"""One configured site: what each stream asks for, and the proof that nothing was missed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Literal

from pydantic import SecretStr

from connectors import Absence, Column, Finding, Identity, Page, Reading, Records, Stream, Sweep
from connectors.http import Forbidden, Inconsistent, NotAuthenticated, ServerFailed, SourceError
from connectors.jira.client import Client, IssueHead, login
from connectors.jira.discovery import Discovery, discover, parse, scoped
from connectors.jira.histories import bulk, inline
from connectors.jira.paging import Issues, Windows, by_token, issues, literal
from connectors.jira.records import batches, field_values, issue_page, item, list_page
from connectors.jira.settings import Settings
from connectors.jira.streams import STREAMS

_BROWSE = "give the account the permission Browse projects there, or correct `projects` of this source"
_KEYS_AT_ONCE = 100
_HISTORIES_AT_ONCE = 1000
_CENSUS_PAGE = 5000


class Jira:
    """One configured site."""

    kind = "jira"

    def __init__(self, source: str, settings: Settings, secrets: Mapping[str, SecretStr]) -> None:
        self.source = source
        self.url = settings.url
        self._settings = settings
        self._secrets = secrets
        self._is_cloud = settings.deployment == "cloud"
        self._client: Client | None = None
        self._account = ""
        self._now: datetime | None = None
        self._projects: dict[str, bytes] = {}
        self._discovery: Discovery | None = None
        self._census: list[str] | None = None

    def open(self) -> Identity:
        """Log in, read the site's clock, and prove that every configured project is shown to us."""
        self._client = Client(
            self.url,
            self._settings.deployment,
            login(self.source, self._secrets),
            self._settings.patience.resolve(self._settings.per_minute),
        )
        self._account = self._whoami()
        info, self._now = self._client.server()
        if info.deploymentType and (info.deploymentType == "Cloud") != self._is_cloud:
            raise Inconsistent(
                f"{self.source}: configured as {self._settings.deployment}, and the site says {info.deploymentType}",
                'set deployment = "cloud" or "datacenter" of this source',
            )
        self._projects = self._roster()
        return Identity(self._account, self._now)

    def streams(self) -> Sequence[Stream]:
        """All streams but those that the settings skip."""
        return [stream for stream in STREAMS if stream.name not in self._settings.skip]

    def skipped(self) -> Mapping[str, str]:
        """What the settings skip."""
        return dict.fromkeys(self._settings.skip, "left out by the configuration")

    def read(self, stream: Stream, reading: Reading, parents: Iterable[tuple[str, str]]) -> Iterator[Page]:
        """Issues updated in the window; the whole history of the given issues; the other streams are read whole."""
        with self._counted(reading):
            if stream.name == "issue":
                yield from self._read_issues(stream, reading)
            elif stream.follows:
                yield from self._read_histories(reading, [key for _, key in parents])
            else:
                yield from self._read_list(stream, reading)

    def census(self, stream: Stream, reading: Reading) -> Iterator[Sweep]:
        """The keys of everything that the source has now; for issues, those counted at the end of the read."""
        with self._counted(reading):
            if stream.name != "issue":
                yield Sweep([item(record).id for record in self._listed(stream.name)])
            elif self._census is not None:
                yield Sweep(self._census)
            else:
                yield from map(Sweep, self._ids())

    def explain(self, stream: Stream, keys: Sequence[str], reading: Reading) -> Mapping[str, Absence]:
        """Jira tells nothing of what it does not show."""
        return dict.fromkeys(keys, Absence("not_visible", "neither in the search nor by its id"))

    def fetch(self, stream: Stream, keys: Sequence[str], reading: Reading) -> Iterator[Page]:
        """The named records. An issue that moved to a project which is not read is no longer shown."""
        with self._counted(reading):
            if stream.name == "issue":
                for batch in batches(keys, _KEYS_AT_ONCE):
                    yield from self._fetch(stream, batch, reading)
            elif stream.follows:
                issue_ids = dict.fromkeys(key.partition("/")[0] for key in keys)
                yield from self._read_histories(reading, list(issue_ids))
            else:
                wanted = set(keys)
                yield list_page([record for record in self._listed(stream.name) if item(record).id in wanted])

    def columns(self, stream: Stream, records: Records) -> Mapping[str, Column]:
        """The stage columns; for issues, with the custom fields that the stored field metadata decides.

        An undecided one stays empty here, and makes the reading of issues fail with what to configure.
        """
        if stream.name != "issue":
            return stream.columns
        projects = scoped(records("project"), self._settings.projects) or None
        return discover(parse(records("field")), self._settings.fields, projects).columns()

    def check(self) -> Iterator[Finding]:
        """Log-in, projects, fields, and every stream: how many there are, and which right is missing."""
        try:
            identity = self.open()
        except SourceError as error:
            yield Finding("log-in and projects", is_ok=False, message=str(error))
            return
        yield Finding("log-in", is_ok=True, message=f"as {identity.account}; its clock reads {identity.server_time}")
        yield Finding("projects", is_ok=True, message=", ".join(self._settings.projects), count=len(self._projects))
        for stream in self.streams():
            try:
                yield from self._try(stream)
            except SourceError as error:
                yield Finding(stream.name, is_ok=False, message=str(error))
        self._end()

    def close(self) -> None:
        """Ask again who we are, and end the session."""
        if self._client is None:
            return
        try:
            account = self._whoami()
        finally:
            self._end()
        if account != self._account:
            raise Inconsistent(
                f"{self.source}: the session began as {self._account} and ended as {account}",
                "give the project an account of its own, and run again",
            )

    # -------------------------------------------------------------- issues

    def _read_issues(self, stream: Stream, reading: Reading) -> Iterator[Page]:
        discovery = self._discover()
        if discovery.ambiguous:
            raise Inconsistent(f"{self.source}: {discovery.explain()}", "")
        mark = f" fields={discovery.fingerprint()}"
        since = None
        # When other fields are asked for than last time, older issues lack them: everything is read once more.
        if reading.watermark_from is not None and reading.watermark_from.endswith(mark):
            since = datetime.fromisoformat(reading.watermark_from.removesuffix(mark))
        reread = self._settings.reread_days if discovery.is_service_desk else 0
        for page in self._search(since, discovery.fields(), self._settings.page_size, reread):
            reading.pages += 1
            yield issue_page(stream, page.heads, page.records)
        self._census = list(dict.fromkeys(id_ for ids in self._ids() for id_ in ids))
        reading.source_count = len(self._census)
        reading.watermark_to = self._opened_at().isoformat() + mark

    def _search(
        self, since: datetime | None, fields: Sequence[str], limit: int, reread_days: int = 0
    ) -> Iterator[Issues]:
        """The issues of the projects, updated since a time less the overlap; all, when None.

        With ``reread_days``, also every open issue and those resolved in the days before that time.
        """
        condition = self._in_scope()
        if since is not None:
            begin = since - timedelta(hours=self._settings.overlap_hours)
            changed = f'updated >= "{literal(begin)}"'
            if reread_days:
                resolved = f'resolved >= "{literal(begin - timedelta(days=reread_days))}"'
                changed = f"({changed} OR statusCategory != Done OR {resolved})"
            condition += f" AND {changed}"
        client = self._opened()
        if self._is_cloud:
            return by_token(client, f"{condition} ORDER BY updated ASC", fields, limit)
        # The time of creation never changes, so nothing moves while everything is read.
        clock: Literal["created", "updated"] = "created" if since is None else "updated"
        return iter(Windows(client, condition, clock, fields, limit, self._opened_at()))

    def _ids(self) -> Iterator[list[str]]:
        """The ids of all issues that this account sees now."""
        limit = _CENSUS_PAGE if self._is_cloud else self._settings.page_size
        for page in self._search(None, ["id"], limit):
            yield [head.id for head in page.heads]

    def _fetch(self, stream: Stream, ids: Sequence[str], reading: Reading) -> Iterator[Page]:
        found = self._named(ids)
        if not {head.id for head in found.heads} <= set(ids):
            raise Inconsistent(f"{self.source} issue: asked for named issues, others came", "")
        reading.pages += 1
        scope = set(self._project_ids())
        kept = [n for n, head in enumerate(found.heads) if _project(head) in scope]
        yield issue_page(stream, [found.heads[n] for n in kept], [found.records[n] for n in kept])

    def _named(self, ids: Sequence[str]) -> Issues:
        """The named issues, as far as they are shown.

        Raises:
            ServerFailed: the site had trouble with one of them, which says nothing about whether it exists.
        """
        fields = self._discover().fields()
        if not self._is_cloud:
            # validateQuery: an id that is gone would make the whole query an error
            jql = f"{self._in_scope()} AND id in ({','.join(ids)})"
            page = self._opened().find(jql, fields, len(ids), validateQuery="false")
            if (page.total or 0) > len(page.issues):
                raise Inconsistent(f"{self.source} issue: {len(page.issues)} of {page.total} named issues came", "")
            return issues(page.issues)
        answer = self._opened().issues(ids, fields)
        if answer.issueErrors:
            first = answer.issueErrors[0]
            raise ServerFailed(
                f"{self.source}: {len(answer.issueErrors)} issues could not be read now,"
                f" the first {first.get('id')}: {first.get('errorMessage')}",
                "run again",
            )
        return issues(answer.issues)

    # ----------------------------------------------------------- histories

    def _read_histories(self, reading: Reading, ids: Sequence[str]) -> Iterator[Page]:
        """All histories of the given issues, always from the first: they are few, and never change."""
        reading.source_count = 0
        for batch in batches(ids, _HISTORIES_AT_ONCE if self._is_cloud else _KEYS_AT_ONCE):
            for page in self._histories(batch):
                reading.pages += 1
                reading.source_count += len(page.keys)
                yield page

    def _histories(self, ids: Sequence[str]) -> Iterator[Page]:
        client = self._opened()
        return bulk(client, ids, self._settings.changelog_page_size) if self._is_cloud else inline(client, ids)

    # --------------------------------------------------------------- lists

    def _read_list(self, stream: Stream, reading: Reading) -> Iterator[Page]:
        page = list_page(self._listed(stream.name))
        reading.pages += 1
        reading.source_count = len(set(page.keys))
        reading.watermark_to = self._opened_at().isoformat()
        yield page

    def _listed(self, name: str) -> list[bytes]:
        if name == "project":
            self._projects = self._roster()
            return list(self._projects.values())
        return self._opened().listed(name)

    def _roster(self) -> dict[str, bytes]:
        """The configured projects by key.

        Raises:
            Forbidden: one is not shown to this account; its issues would be missing without a word.
        """
        shown = {item(record).key: record for record in self._shown_projects()}
        missing = [key for key in self._settings.projects if key not in shown]
        if missing:
            raise Forbidden(f"{self.source}: not shown to {self._account}: project {', '.join(missing)}", _BROWSE)
        return {key: shown[key] for key in self._settings.projects}

    def _shown_projects(self) -> Iterator[bytes]:
        if not self._is_cloud:
            yield from self._opened().listed("project")
            return
        start = 0
        while True:
            page = self._opened().projects(start)
            yield from map(bytes, page.values)
            start += len(page.values)
            if page.isLast:
                return
            if not page.values:
                raise Inconsistent(f"{self.source}: more projects are announced and none come", "run again")

    # --------------------------------------------------------------- parts

    def _discover(self) -> Discovery:
        if self._discovery is None:
            fields = parse(self._opened().listed("field"))
            self._discovery = discover(fields, self._settings.fields, self._project_ids())
        return self._discovery

    def _project_ids(self) -> list[str]:
        return [item(record).id for record in self._projects.values()]

    def _in_scope(self) -> str:
        return f"project in ({', '.join(self._project_ids())})"

    def _whoami(self) -> str:
        account = self._opened().myself()
        who = account.accountId if self._is_cloud else account.name
        if not who:
            raise NotAuthenticated(
                f"{self.source}: the site does not say who we are", "check deployment of this source"
            )
        return who

    def _try(self, stream: Stream) -> Iterator[Finding]:
        """Ask for a little of a stream."""
        if stream.follows:
            ids = [head.id for head in self._first([]).heads]
            count = len(next(self._histories(ids)).keys) if ids else 0
            yield Finding(stream.name, is_ok=True, message=f"readable; {count} changes of the newest issues")
            return
        if stream.name != "issue":
            yield Finding(stream.name, is_ok=True, message="readable", count=len(self._listed(stream.name)))
            return
        discovery = self._discover()
        undecided = discovery.explain()
        yield Finding("fields", not undecided, undecided or f"{len(discovery.found)} custom fields recognised")
        count = sum(len(ids) for ids in self._ids())
        yield Finding(stream.name, count > 0, "readable" if count else f"none is shown: {_BROWSE}", count)
        slas = [field.id for column, field in discovery.found.items() if column.startswith("sla_")]
        if slas and count:
            yield self._try_slas(slas)

    def _try_slas(self, slas: Sequence[str]) -> Finding:
        records = self._first(slas).records
        shown = any(field_values(record, slas) for record in records)
        message = "shown" if shown else "none of the newest issues shows one: the account may need an agent licence"
        return Finding("SLAs", shown, message)

    def _first(self, fields: Sequence[str]) -> Issues:
        """Fifty of the newest issues."""
        jql, asked = f"{self._in_scope()} ORDER BY created DESC", ["id", *fields]
        client = self._opened()
        page = client.search(jql, asked, 50) if self._is_cloud else client.find(jql, asked, 50)
        return issues(page.issues)

    def _end(self) -> None:
        self._opened().close()
        self._client = None

    def _opened(self) -> Client:
        if self._client is None:
            raise NotAuthenticated(f"{self.source}: not logged in", "")
        return self._client

    def _opened_at(self) -> datetime:
        if self._now is None:
            raise NotAuthenticated(f"{self.source}: not logged in", "")
        return self._now

    @contextmanager
    def _counted(self, reading: Reading) -> Iterator[None]:
        """Enter the requests made meanwhile into the ledger, also when they fail."""
        transport = self._opened().transport
        requests, retries = transport.requests, transport.retries
        try:
            yield
        finally:
            reading.requests += transport.requests - requests
            reading.retries += transport.retries - retries


def _project(head: IssueHead) -> str:
    return head.fields.project.id if head.fields and head.fields.project else ""
