"""One request to the Table API and its answer, checked.

pysnow builds and sends the requests and nothing more. It does not page, accepts a failed transaction as a result,
shares parameters between the calls of one Resource, and its streaming parser yields rows of bodies that prove broken.
So: a new Resource for each request, every parameter set by name, and the bytes taken from our own transport, which has
read the whole body and proved it before pysnow sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
import pysnow
import requests
import urllib3
from requests.auth import AuthBase

from connectors.http import (
    BrokenAnswer,
    NotAuthenticated,
    Pace,
    Patience,
    ServerFailed,
    SourceError,
    Transport,
    clean,
    place,
    session,
)
from connectors.servicenow.credentials import Bearer, Grant

_PARAMETERS = {
    "sysparm_display_value": "false",  # labels and the account's own time zone would come otherwise
    "sysparm_exclude_reference_link": "true",
    "sysparm_suppress_pagination_header": "true",  # it repeats the query, and long ones overflow the header
    "sysparm_no_count": "false",
}
_TABLE, _STATS = "/api/now/table/", "/api/now/stats/"


class Row(msgspec.Struct, gc=False):
    """What paging needs of a record. Times are as sent: ``YYYY-MM-DD HH:MM:SS`` in UTC."""

    sys_id: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
    sys_updated_on: str = ""
    sys_created_on: str = ""
    sys_mod_count: str = ""
    tablename: str = ""
    documentkey: str = ""
    stage: str = ""


class _Failure(msgspec.Struct):
    message: str = ""
    detail: str | None = None


class _Envelope(msgspec.Struct):
    result: list[msgspec.Raw]
    error: _Failure | str | None = None
    status: str = ""


class _Stats(msgspec.Struct):
    count: Annotated[str, msgspec.Meta(pattern="^[0-9]+$")]


class _StatsResult(msgspec.Struct):
    stats: _Stats


class _StatsEnvelope(msgspec.Struct):
    result: _StatsResult


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_ROW = msgspec.json.Decoder(Row)


@dataclass(frozen=True, slots=True)
class Answer:
    """One page: rows beside the exact bytes of each record.

    ``total`` is the instance's own count of the query, before it hid rows; None when it sent none. ``is_thin`` marks
    rows that serve as a place to go on from, and whose records could not be had.
    """

    rows: list[Row]
    records: list[bytes]
    total: int | None
    limit: int
    is_thin: bool = False

    @property
    def is_last(self) -> bool:
        """Whether nothing can come after this page.

        A short or empty page alone says nothing, as the limit is applied before rows are hidden. Where some were, the
        instance may also have lowered the limit on its own: then one goes on behind the last row shown.
        """
        if self.total is None or self.total > self.limit:
            return False
        return not self.rows or len(self.rows) >= self.total


def decode(body: bytes, where: str = "") -> tuple[list[Row], list[bytes]]:
    """The records of an answer of the Table API.

    Raises:
        BrokenAnswer: the body is not one whole, successful result of records with a sys_id.
    """
    try:
        envelope = _ENVELOPE.decode(body)
        if envelope.error is not None or envelope.status.lower() == "failure":
            raise BrokenAnswer(f"{where} reports a failure: {_words(envelope.error)}", _SMALLER)
        rows = [_ROW.decode(raw) for raw in envelope.result]
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BrokenAnswer(f"{where} sent no list of records: {error}", _SMALLER) from error
    return rows, [bytes(raw) for raw in envelope.result]


_SMALLER = "lower page_size when the instance cancels long transactions"


def _words(failure: _Failure | str | None) -> str:
    if isinstance(failure, _Failure):
        return clean(f"{failure.message} {failure.detail or ''}")
    return clean(failure or "status failure")


def check(response: requests.Response) -> None:
    """Prove a 200 before anything uses it; the transport asks again when this raises.

    Raises:
        BrokenAnswer: the body is not what the called API promises.
    """
    path = urlsplit(response.url).path
    if _TABLE in path:
        decode(response.content, place(response.url))
        return
    kind = _StatsEnvelope if _STATS in path else Grant
    try:
        msgspec.json.decode(response.content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BrokenAnswer(f"{place(response.url)} sent something else: {error}", "check the url") from error


class Witness(Transport):
    """Keeps the last answer of any kind: a refusal's header, or a page of HTML, tells its cause."""

    answer: requests.Response | None = None

    def build_response(self, req: requests.PreparedRequest, resp: urllib3.BaseHTTPResponse) -> requests.Response:
        """The response as requests makes it, before anybody has judged it."""
        self.answer = super().build_response(req, resp)
        return self.answer


Connect = Callable[..., requests.Session]
"""Makes a session: ``connect(transport, url, auth=auth)``."""


@dataclass(slots=True)
class Client:
    """The requests of one instance, one after the other on one session.

    A session must never have two requests on their way: the instance answers the second with 202 and no content. So
    whoever reads at the same time has a client of its own; clients of one instance share their ``pace``.
    """

    url: str
    auth: AuthBase
    patience: Patience
    pace: Pace | None = None
    connect: Connect = session
    transport: Witness = field(init=False)
    _snow: pysnow.Client = field(init=False)

    def __post_init__(self) -> None:
        self.transport = Witness(self.patience, check, pace=self.pace)
        own = self.connect(self.transport, self.url, auth=self.auth)
        if isinstance(self.auth, Bearer):
            self.auth.session = own
        parts = urlsplit(self.url)
        self._snow = pysnow.Client(host=parts.netloc + parts.path, use_ssl=parts.scheme == "https", session=own)

    def page(self, table: str, query: str, fields: Sequence[str], limit: int, offset: int = 0) -> Answer:
        """The first ``limit`` records of a query, which must name its order; ``offset`` passes over as many."""
        parameters = {"sysparm_fields": ",".join(fields), "sysparm_limit": str(limit)}
        if offset:
            parameters["sysparm_offset"] = str(offset)
        response = self._get(f"/table/{table}", query, parameters)
        rows, records = decode(response.content)
        total = response.headers.get("X-Total-Count", "")
        return Answer(rows, records, int(total) if total.isdigit() else None, limit)

    def count(self, table: str, query: str) -> int:
        """How many records match, hidden ones included: by the count of a page, else by the Aggregate API."""
        total = self.page(table, f"{query}^ORDERBYsys_id".lstrip("^"), ["sys_id"], 1).total
        return self.stats(table, query) if total is None else total

    def stats(self, table: str, query: str) -> int:
        """The Aggregate API's count."""
        response = self._get(f"/stats/{table}", query, {"sysparm_count": "true"})
        return int(msgspec.json.decode(response.content, type=_StatsEnvelope).result.stats.count)

    def server_time(self) -> datetime:
        """The instance's clock (UTC) as of the last answer.

        Raises:
            BrokenAnswer: it sent no date.
        """
        try:
            date = parsedate_to_datetime(self._last().headers.get("Date", ""))
        except ValueError as error:
            raise BrokenAnswer("the answer carries no Date header", "a proxy in between must leave it in") from error
        return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)

    def close(self) -> None:
        """End the session."""
        self._snow.close()

    def _get(self, path: str, query: str, parameters: Mapping[str, str]) -> requests.Response:
        """The answer; a token that is no longer taken is renewed, once."""
        try:
            try:
                return self._send(path, query, parameters)
            except NotAuthenticated:
                if not (isinstance(self.auth, Bearer) and self.auth.renew()):
                    raise
                return self._send(path, query, parameters)
        except (NotAuthenticated, BrokenAnswer) as error:
            raise _told(error, self.transport.answer) from error

    def _send(self, path: str, query: str, parameters: Mapping[str, str]) -> requests.Response:
        resource = self._snow.resource(api_path=path)
        resource.parameters.add_custom(_PARAMETERS | dict(parameters) | {"sysparm_query": query})
        resource.get(query=query)
        return self._last()

    def _last(self) -> requests.Response:
        if self.transport.last is None:
            raise BrokenAnswer("there is no answer yet", "")
        return self.transport.last


def _told(error: SourceError, answer: requests.Response | None) -> SourceError:
    """The same error, with the cause that the answer's headers or its page of HTML tell."""
    if answer is None:
        return error
    if isinstance(error, NotAuthenticated):
        if "X-MFA_TOKEN" in answer.headers:
            return NotAuthenticated(
                f"{place(answer.url)} asks for a second factor",
                "take multi-factor authentication off the account, and give it web service access only",
            )
        return error
    is_html = answer.headers.get("Content-Type", "").startswith("text/html")
    if not (is_html and answer.status_code == 200 and getattr(answer, "_content_consumed", False)):
        return error
    if b"hibernat" in answer.content.lower():
        return ServerFailed(f"{place(answer.url)}: the instance is hibernating", "wake it up, and run again")
    return ServerFailed(error.message, error.next_step)  # no page size helps against a page of HTML
