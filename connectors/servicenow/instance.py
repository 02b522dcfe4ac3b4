"""One configured instance: which tables are read, from when to when, and by how many sessions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice

import msgspec
from pydantic import SecretStr

from connectors import Absence, Column, Finding, Identity, Page, Reading, Records, Stream, Sweep, content
from connectors.http import (
    BadRequest,
    BrokenAnswer,
    Forbidden,
    Inconsistent,
    NotAuthenticated,
    NotFound,
    Pace,
    SourceError,
)
from connectors.servicenow import checking, slices, sweep
from connectors.servicenow.absences import Absences
from connectors.servicenow.client import Answer, Client, Row
from connectors.servicenow.credentials import credentials
from connectors.servicenow.paging import BEGINNING, Walk, conditions, literal, moment, quarantine
from connectors.servicenow.preflight import ROWS, Preflight, Proof, filter_fields
from connectors.servicenow.readers import Readers, Task
from connectors.servicenow.settings import Settings
from connectors.servicenow.streams import AUDITED, OPTIONAL, SCOPE, STREAMS

_KEYS_AT_ONCE = 100
_ENDED = frozenset({"completed", "cancelled", "achieved", "breached"})
_ME = "sys_id=javascript:gs.getUserID()"
_SECOND = timedelta(seconds=1)
_WITHOUT = " without "
"""In a watermark, before the fields that were not shown when the rows were read."""


def _wall() -> datetime:
    return datetime.now(UTC)


class ServiceNow:
    """One configured instance. ``clock`` is this machine's, which `check` compares with the instance's."""

    kind = "servicenow"

    def __init__(
        self,
        source: str,
        settings: Settings,
        secrets: Mapping[str, SecretStr],
        clock: Callable[[], datetime] = _wall,
    ) -> None:
        self.source = source
        self.url = settings.url
        self._settings = settings
        self._secrets = secrets
        self._clock = clock
        self._readers: Readers | None = None
        self._until: datetime | None = None
        self._account = ""
        self._preflight = Preflight()
        self._absences = Absences()

    def open(self) -> Identity:
        """Log in and fix the upper bound of every window of this run."""
        patience = self._settings.patience.resolve(self._settings.per_minute)
        login, pace = credentials(self.source, self._settings, self._secrets), Pace(patience.per_minute)
        self._readers = Readers(
            lambda: Client(self.url, login(), patience, pace, self._settings.network.session),
            self._settings.concurrency,
        )
        me = self._whoami()
        self._account, self._preflight, self._absences = me.user_name, Preflight(me.time_zone), Absences()
        server_time = self.client.server_time()
        self._until = server_time - timedelta(seconds=self._settings.lag_seconds)
        return Identity(self._account, server_time)

    def streams(self) -> Sequence[Stream]:
        """All streams but those that the settings skip, and the optional ones that they name."""
        wanted = {stream.name for stream in STREAMS} - set(OPTIONAL) | set(self._settings.also)
        return [stream for stream in STREAMS if stream.name in wanted - set(self._settings.skip)]

    def skipped(self) -> Mapping[str, str]:
        """What the settings skip."""
        return dict.fromkeys(self._settings.skip, "left out by the configuration")

    def read(self, stream: Stream, reading: Reading, parents: Iterable[tuple[str, str]]) -> Iterator[Page]:
        """The records updated in the window; of the audit, the rows of the given records."""
        try:
            if stream.follows:
                yield from self._read_history(stream, reading, parents)
            else:
                yield from self._read_window(stream, reading)
        except (Forbidden, NotFound, BadRequest) as error:
            raise self._refused(stream, error) from error

    def census(self, stream: Stream, reading: Reading) -> Iterator[Sweep]:
        """The keys and stamps of the records created up to the window's end that this account sees.

        A row without a time of creation counts as old. When the rows listed are not as many as were counted before,
        rows have come or gone since (or are hidden): the count is taken anew.
        """
        fields = list(dict.fromkeys(["sys_id", *sweep.stamp_fields(stream)]))
        base, listed = self._existing(stream), 0
        self._prove(stream, reading)
        for part in sweep.census(stream, self._walker(stream, fields, sweep.PAGE), base, self.readers, reading):
            listed += len(part.keys)
            yield part
        if reading.source_count is not None and reading.source_count != listed:
            # rows that were listed and are deleted by now were there all the same
            reading.source_count = max(listed, self._walk(stream, reading, fields, sweep.PAGE).count(base))

    def fetch(self, stream: Stream, keys: Sequence[str], reading: Reading) -> Iterator[Page]:
        """The named records that are in scope and shown, a hundred at a time."""

        def batch(listed: Sequence[str]) -> Task[Page]:
            return lambda client, cost: self._fetch(stream, listed, client, cost)

        batches = list(_batches(keys))
        yield from self.readers.run(map(batch, batches), reading, len(batches))

    def explain(self, stream: Stream, keys: Sequence[str], reading: Reading) -> Mapping[str, Absence]:
        """What the audit, the log of deletions, the archive and the base table say of the records."""

        def batch(listed: Sequence[str]) -> Task[dict[str, Absence]]:
            def task(client: Client, cost: Reading) -> Iterator[dict[str, Absence]]:
                yield self._absences.explain(client, cost, stream, listed, self._base(stream))

            return task

        batches, found = list(_batches(keys)), dict[str, Absence]()
        for explained in self.readers.run(map(batch, batches), reading, len(batches)):
            found |= explained
        return found

    def columns(self, stream: Stream, records: Records) -> Mapping[str, Column]:
        """The same in every instance."""
        return stream.columns

    def check(self) -> Iterator[Finding]:
        """Log-in, then every stream: what is proved of it, how many there are, and what this account is not shown."""
        try:
            identity = self.open()
        except SourceError as error:
            yield Finding("log-in", is_ok=False, message=str(error))
            return
        yield Finding("log-in", is_ok=True, message=f"as {identity.account}; its clock reads {identity.server_time}")
        yield from checking.clock_finding(identity.server_time, self._clock())
        keys: list[tuple[str, str]] = []
        for stream in self.streams():
            try:
                yield self._try(stream, keys)
            except SourceError as error:
                yield Finding(stream.name, is_ok=False, message=str(self._refused(stream, error)))
        unread = set(OPTIONAL) - {stream.name for stream in self.streams()} - set(self._settings.skip)
        yield from checking.unread_findings(self.client, sorted(unread))

    def close(self) -> None:
        """Ask again who we are, and end the sessions."""
        if self._readers is None:
            return
        try:
            account = self._whoami().user_name
        finally:
            self._readers.close()
        if account != self._account:
            raise Inconsistent(
                f"{self.source}: the session began as {self._account} and ended as {account}",
                "give the project an account of its own, and run again",
            )

    # ------------------------------------------------------------- windows

    def _read_window(self, stream: Stream, reading: Reading) -> Iterator[Page]:
        until = self._bound()
        without = _without(self._prove(stream, reading))
        after, least = BEGINNING, ""
        if reading.watermark_from is not None:
            least, _, missed = reading.watermark_from.partition(_WITHOUT)
            if set(missed.split()) <= set(without.split()):
                after = moment(least) - timedelta(seconds=self._settings.overlap_seconds)
            else:
                least = ""  # rows were read without a field that is shown now: all are read again
        walk = self._walk(stream, reading, list(stream.columns), self._settings.page_size)
        for page in self._window(stream, walk, after, until, reading):
            yield page
            if page.updated[-1] is not None:
                reached = literal(page.updated[-1] - _SECOND)  # the rest of its second may still come
                reading.reached = max(reached, least) + without
        reading.source_count = walk.count(self._existing(stream))
        reading.watermark_to = literal(until) + without

    def _window(self, stream: Stream, walk: Walk, after: datetime, until: datetime, reading: Reading) -> Iterator[Page]:
        """All pages of a window in order; its first page says whether the rest is worth sharing."""
        base, rest = self._base(stream), [(after, until)]
        for answer in walk.step(base, rest):
            yield from _pages(stream, answer, reading)
        if len(rest) == 1 and slices.is_worth(walk, self.readers.most):
            parts = slices.parts(walk, base, *rest.pop(), self.readers.most)
            yield from self.readers.run((self._part(stream, base, part, walk.edge) for part in parts), reading)
        while rest:
            for answer in walk.step(base, rest):
                yield from _pages(stream, answer, reading)

    def _part(
        self, stream: Stream, base: str, part: tuple[datetime, datetime], edge: frozenset[tuple[str, str]]
    ) -> Task[Page]:
        def task(client: Client, cost: Reading) -> Iterator[Page]:
            walk = self._walker(stream, list(stream.columns), self._settings.page_size)(client, cost)
            walk.edge = edge
            for answer in walk.window(base, *part):
                yield from _pages(stream, answer, cost)

        return task

    def _read_history(self, stream: Stream, reading: Reading, parents: Iterable[tuple[str, str]]) -> Iterator[Page]:
        """The audit rows of the given records, always from the first: rows are few, never change, and come late.

        They are not cut at the window's end, as the records may have been fetched in a later state.
        """
        reading.source_count = 0
        keys: dict[str, list[str]] = {}
        for table, key in parents:
            keys.setdefault(table, []).append(key)
        tasks = [self._histories(stream, table, batch) for table, listed in keys.items() for batch in _batches(listed)]
        yield from self.readers.run(tasks, reading, len(tasks))

    def _histories(self, stream: Stream, table: str, keys: Sequence[str]) -> Task[Page]:
        def task(client: Client, cost: Reading) -> Iterator[Page]:
            walk = self._walker(stream, list(stream.columns), self._settings.page_size)(client, cost)
            for answer in walk.ids(self._history_of(table, keys)):
                if not answer.is_thin:
                    _prove_asked(answer.rows, table, keys)
                yield from _pages(stream, answer, cost)
            cost.hidden, cost.source_count = walk.hidden, walk.first_total

        return task

    def _history_of(self, table: str, keys: Sequence[str]) -> str:
        return conditions(
            self._settings.query.get("sys_audit", ""),
            f"tablename={table}",
            f"documentkeyIN{','.join(keys)}",
            f"fieldnameIN{','.join(self._settings.audit_fields)}" if self._settings.audit_fields else "",
        )

    # --------------------------------------------------------------- parts

    def _fetch(self, stream: Stream, keys: Sequence[str], client: Client, cost: Reading) -> Iterator[Page]:
        """The named records; halves the list around one that can't be had."""
        walk = self._walker(stream, list(stream.columns), len(keys))(client, cost)
        query = conditions(self._base(stream), f"sys_idIN{','.join(keys)}")
        try:
            answer = walk.once(query)
        except BrokenAnswer as error:
            if error.is_final:
                raise
            if len(keys) == 1:
                quarantine(cost, keys[0], str(error))
                return
            yield from self._fetch(stream, keys[: len(keys) // 2], client, cost)
            yield from self._fetch(stream, keys[len(keys) // 2 :], client, cost)
            return
        if not {row.sys_id for row in answer.rows} <= set(keys) or (answer.total or 0) > len(keys):
            raise Inconsistent(f"{self.source} {stream.name}: asked for named records, others came", "")
        yield from _pages(stream, answer, cost)

    def _walk(self, stream: Stream, reading: Reading, fields: Sequence[str], limit: int) -> Walk:
        return self._walker(stream, fields, limit)(self.client, reading)

    def _walker(self, stream: Stream, fields: Sequence[str], limit: int) -> Callable[[Client, Reading], Walk]:
        return lambda client, reading: Walk(client, stream.name, fields, _clock(stream), limit, reading)

    def _prove(self, stream: Stream, reading: Reading) -> Proof:
        base = self._base(stream)
        fields = list(dict.fromkeys([*stream.columns, *filter_fields(base)]))
        return self._preflight.prove(stream, self._walk(stream, reading, fields, ROWS), base)

    def _base(self, stream: Stream) -> str:
        return conditions(SCOPE.get(stream.name, ""), self._settings.query.get(stream.name, ""))

    def _existing(self, stream: Stream) -> str:
        return conditions(self._base(stream), f"sys_created_on<={literal(self._bound())}^ORsys_created_onISEMPTY")

    @property
    def readers(self) -> Readers:
        """The sessions, once opened."""
        if self._readers is None:
            raise NotAuthenticated(f"{self.source}: not logged in", "")
        return self._readers

    @property
    def client(self) -> Client:
        """The first session's client, once opened."""
        return self.readers.first

    def _bound(self) -> datetime:
        if self._until is None:
            raise NotAuthenticated(f"{self.source}: not logged in", "")
        return self._until

    def _whoami(self) -> _User:
        """The user of the session, by the instance's own word."""
        answer = self.client.page("sys_user", f"{_ME}^ORDERBYsys_id", ["sys_id", "user_name", "time_zone"], 2)
        if len(answer.records) != 1 or answer.total not in (1, None):
            raise Forbidden(
                f"{self.source}: the account can't see its own row of sys_user",
                "give it read access to sys_user, and let it evaluate gs.getUserID()",
            )
        me = msgspec.json.decode(answer.records[0], type=_User)
        if not me.user_name:
            raise Forbidden(f"{self.source}: sys_user.user_name is not shown", "give the account read access to it")
        return me

    def _try(self, stream: Stream, keys: list[tuple[str, str]]) -> Finding:
        """Prove a stream; remembers keys of those whose history is read."""
        if stream.follows:
            return checking.history_finding(stream, self.client, self._history_of, keys)
        proof = self._prove(stream, Reading("full"))
        if stream.name in AUDITED:
            keys += [(stream.name, key) for key in proof.keys]
        return checking.stream_finding(stream, proof)

    def _refused(self, stream: Stream, error: SourceError) -> SourceError:
        return checking.refused(self.source, stream.name, error, is_optional=stream.name in OPTIONAL)


class _User(msgspec.Struct):
    user_name: str = ""
    time_zone: str = ""


def _without(proof: Proof) -> str:
    return _WITHOUT + " ".join(proof.not_shown) if proof.not_shown else ""


def _clock(stream: Stream) -> str:
    return "sys_updated_on" if "sys_updated_on" in stream.columns else "sys_created_on"


def _pages(stream: Stream, answer: Answer, reading: Reading) -> Iterator[Page]:
    reading.pages += 1
    if answer.is_thin or not answer.rows:
        return
    yield Page(
        [row.sys_id for row in answer.rows],
        answer.records,
        [_content(stream, *pair) for pair in zip(answer.rows, answer.records, strict=True)]
        if stream.volatile
        else answer.records,
        [_updated(row) for row in answer.rows],
        sweep.stamps(stream, answer) if stream.is_counted else None,
    )


def _content(stream: Stream, row: Row, record: bytes) -> bytes:
    """A clock that has ended is compared whole: its durations are final."""
    return record if row.stage in _ENDED else content(record, stream.volatile)


def _updated(row: Row) -> datetime | None:
    try:
        return moment(row.sys_updated_on or row.sys_created_on)
    except ValueError:
        return None


def _prove_asked(rows: Sequence[Row], table: str, keys: Sequence[str]) -> None:
    wanted = set(keys)
    for row in rows:
        if row.tablename != table or row.documentkey not in wanted:
            raise Inconsistent(
                f"sys_audit: asked for the history of {table} records, got a row of {row.tablename} {row.documentkey}",
                "the account needs to read sys_audit.tablename and sys_audit.documentkey, also as conditions",
            )


def _batches(keys: Iterable[str]) -> Iterator[list[str]]:
    iterator = iter(keys)
    while batch := list(islice(iterator, _KEYS_AT_ONCE)):
        yield batch
