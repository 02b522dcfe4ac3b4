"""One configured instance: which tables are read, from when to when, and what is proved before it is believed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
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
    SourceError,
)
from connectors.servicenow.client import Answer, Client, Row, credentials
from connectors.servicenow.paging import BEGINNING, Walk, conditions, literal, moment, quarantine
from connectors.servicenow.settings import Settings
from connectors.servicenow.streams import AUDITED, SCOPE, STREAMS, role

_KEYS_AT_ONCE = 100
_CENSUS_PAGE = 10_000
_ENDED = frozenset({"completed", "cancelled", "achieved", "breached"})
_ME = "sys_id=javascript:gs.getUserID()"


class ServiceNow:
    """One configured instance."""

    kind = "servicenow"

    def __init__(self, source: str, settings: Settings, secrets: Mapping[str, SecretStr]) -> None:
        self.source = source
        self.url = settings.url
        self._settings = settings
        self._secrets = secrets
        self._client: Client | None = None
        self._until: datetime | None = None
        self._account = ""

    def open(self) -> Identity:
        """Log in and fix the upper bound of every window of this run."""
        self._client = Client(
            self.url,
            credentials(self.source, self._settings, self._secrets),
            self._settings.patience.resolve(self._settings.per_minute),
        )
        self._account = self._whoami()
        server_time = self._client.server_time()
        self._until = server_time - timedelta(seconds=self._settings.lag_seconds)
        return Identity(self._account, server_time)

    def streams(self) -> Sequence[Stream]:
        """All streams but those that the settings skip."""
        return [stream for stream in STREAMS if stream.name not in self._settings.skip]

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
            raise self._refused(stream.name, error) from error

    def census(self, stream: Stream, reading: Reading) -> Iterator[Sweep]:
        """The keys of the records created up to the window's end that this account sees."""
        walk = self._walk(stream, reading, ["sys_id"], _CENSUS_PAGE)
        for answer in walk.ids(self._existing(stream)):
            yield Sweep([row.sys_id for row in answer.rows])

    def explain(self, stream: Stream, keys: Sequence[str], reading: Reading) -> Mapping[str, Absence]:
        """Nothing is known yet."""
        return dict.fromkeys(keys, Absence("not_visible", "no longer shown"))

    def fetch(self, stream: Stream, keys: Sequence[str], reading: Reading) -> Iterator[Page]:
        """The named records that are in scope and shown, a hundred at a time."""
        for batch in _batches(keys):
            yield from self._fetch(stream, batch, reading)

    def columns(self, stream: Stream, records: Records) -> Mapping[str, Column]:
        """The same in every instance."""
        return stream.columns

    def check(self) -> Iterator[Finding]:
        """Log-in, then every stream: how many there are, and whether this account is shown any."""
        try:
            identity = self.open()
        except SourceError as error:
            yield Finding("log-in", is_ok=False, message=str(error))
            return
        yield Finding("log-in", is_ok=True, message=f"as {identity.account}; its clock reads {identity.server_time}")
        keys: list[tuple[str, str]] = []
        for stream in self.streams():
            try:
                yield self._try(stream, keys)
            except SourceError as error:
                yield Finding(stream.name, is_ok=False, message=str(self._refused(stream.name, error)))

    def close(self) -> None:
        """Ask again who we are, and end the session."""
        if self._client is None:
            return
        try:
            account = self._whoami()
        finally:
            self._client.close()
        if account != self._account:
            raise Inconsistent(
                f"{self.source}: the session began as {self._account} and ended as {account}",
                "give the project an account of its own, and run again",
            )

    # ------------------------------------------------------------- windows

    def _read_window(self, stream: Stream, reading: Reading) -> Iterator[Page]:
        until = self._bound()
        walk = self._walk(stream, reading, list(stream.columns), self._settings.page_size)
        base = self._base(stream)
        self._prove_listening(walk, base)
        after = BEGINNING
        if reading.watermark_from is not None:
            after = moment(reading.watermark_from) - timedelta(seconds=self._settings.overlap_seconds)
        for answer in walk.window(base, after, until):
            yield from _pages(stream, answer, reading)
        reading.hidden = walk.hidden
        reading.source_count = walk.count(self._existing(stream))
        reading.watermark_to = literal(until)

    def _prove_listening(self, walk: Walk, base: str) -> None:
        """An instance drops conditions that it can't use; then a window would be the whole table, for ever.

        Raises:
            Inconsistent: something matches a time that has not come.
        """
        if walk.count(conditions(base, f"{walk.clock}>2999-01-01 00:00:00")):
            raise Inconsistent(
                f"{self.source} {walk.table}: the instance ignores our query",
                f"the account needs to read {walk.table}.{walk.clock}, also as a condition (query ACLs)",
            )

    def _read_history(self, stream: Stream, reading: Reading, parents: Iterable[tuple[str, str]]) -> Iterator[Page]:
        """The audit rows of the given records, always from the first: rows are few, never change, and come late.

        They are not cut at the window's end, as the records may have been fetched in a later state.
        """
        reading.source_count = 0
        keys: dict[str, list[str]] = {}
        for table, key in parents:
            keys.setdefault(table, []).append(key)
        for table, listed in keys.items():
            for batch in _batches(listed):
                walk = self._walk(stream, reading, list(stream.columns), self._settings.page_size)
                for answer in walk.ids(self._history_of(stream, table, batch)):
                    if not answer.is_thin:
                        _prove_asked(answer.rows, table, batch)
                    yield from _pages(stream, answer, reading)
                reading.hidden += walk.hidden
                reading.source_count += walk.first_total or 0

    def _history_of(self, stream: Stream, table: str, keys: Sequence[str]) -> str:
        return conditions(
            self._base(stream),
            f"tablename={table}",
            f"documentkeyIN{','.join(keys)}",
            f"fieldnameIN{','.join(self._settings.audit_fields)}" if self._settings.audit_fields else "",
        )

    # --------------------------------------------------------------- parts

    def _fetch(self, stream: Stream, keys: Sequence[str], reading: Reading) -> Iterator[Page]:
        """The named records; halves the list around one that can't be had."""
        walk = self._walk(stream, reading, list(stream.columns), len(keys))
        query = conditions(self._base(stream), f"sys_idIN{','.join(keys)}")
        try:
            answer = walk.once(query)
        except BrokenAnswer as error:
            if error.is_final:
                raise
            if len(keys) == 1:
                quarantine(reading, keys[0], str(error))
                return
            yield from self._fetch(stream, keys[: len(keys) // 2], reading)
            yield from self._fetch(stream, keys[len(keys) // 2 :], reading)
            return
        if not {row.sys_id for row in answer.rows} <= set(keys) or (answer.total or 0) > len(keys):
            raise Inconsistent(f"{self.source} {stream.name}: asked for named records, others came", "")
        yield from _pages(stream, answer, reading)

    def _walk(self, stream: Stream, reading: Reading, fields: Sequence[str], limit: int) -> Walk:
        return Walk(self.client, stream.name, fields, _clock(stream), limit, reading)

    def _base(self, stream: Stream) -> str:
        return conditions(SCOPE.get(stream.name, ""), self._settings.query.get(stream.name, ""))

    def _existing(self, stream: Stream) -> str:
        return conditions(self._base(stream), f"sys_created_on<={literal(self._bound())}")

    @property
    def client(self) -> Client:
        """The session's client, once opened."""
        if self._client is None:
            raise NotAuthenticated(f"{self.source}: not logged in", "")
        return self._client

    def _bound(self) -> datetime:
        if self._until is None:
            raise NotAuthenticated(f"{self.source}: not logged in", "")
        return self._until

    def _whoami(self) -> str:
        """The user name of the session, by the instance's own word."""
        answer = self.client.page("sys_user", f"{_ME}^ORDERBYsys_id", ["sys_id", "user_name", "time_zone"], 2)
        if len(answer.records) != 1 or answer.total not in (1, None):
            raise Forbidden(
                f"{self.source}: the account can't see its own row of sys_user",
                "give it read access to sys_user, and let it evaluate gs.getUserID()",
            )
        name = msgspec.json.decode(answer.records[0], type=_User).user_name
        if not name:
            raise Forbidden(f"{self.source}: sys_user.user_name is not shown", "give the account read access to it")
        return name

    def _try(self, stream: Stream, keys: list[tuple[str, str]]) -> Finding:
        """Ask for a few records of a stream; remembers keys of those whose history is read."""
        base = self._base(stream)
        if stream.follows:
            table = keys[0][0] if keys else stream.follows[0]
            base = self._history_of(stream, table, [key for name, key in keys if name == table] or ["0" * 32])
        answer = self.client.page(stream.name, conditions(base, "ORDERBYsys_id"), list(stream.columns), 10)
        if stream.name in AUDITED:
            keys += [(stream.name, row.sys_id) for row in answer.rows]
        if answer.total and not answer.rows:
            raise Forbidden(f"counts {answer.total} records and shows none of the first ten", "")
        absent = sorted(set(stream.columns).difference(*map(_names, answer.records))) if answer.records else []
        message = f"readable; fields not shown: {', '.join(absent)}" if absent else "readable"
        return Finding(stream.name, is_ok=True, message=message, count=None if stream.follows else answer.total)

    def _refused(self, table: str, error: SourceError) -> SourceError:
        """The same error, saying which table and which role."""
        if isinstance(error, Forbidden):
            return Forbidden(
                f"{self.source}: {error.message}", f"give the account read access to table {table}: role {role(table)}"
            )
        if isinstance(error, NotFound | BadRequest):
            return NotFound(
                f"{self.source}: {error.message}",
                f"if the instance has no table {table}, name it under skip of this source",
            )
        return error


class _User(msgspec.Struct):
    user_name: str = ""


def _clock(stream: Stream) -> str:
    return "sys_updated_on" if "sys_updated_on" in stream.columns else "sys_created_on"


def _names(record: bytes) -> set[str]:
    return set(msgspec.json.decode(record, type=dict[str, msgspec.Raw]))


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
