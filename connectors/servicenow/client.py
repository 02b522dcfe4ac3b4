"""One request to the Table API and its answer, checked; log-in by any of the four ways.

pysnow builds and sends the requests and nothing more. It does not page, accepts a failed transaction as a result,
shares parameters between the calls of one Resource, and its streaming parser yields rows of bodies that prove broken.
So: a new Resource for each request, every parameter set by name, and the bytes taken from our own transport, which has
read the whole body and proved it before pysnow sees it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
import pysnow
import requests
from pydantic import SecretStr
from requests.auth import AuthBase, HTTPBasicAuth

from connectors.http import BrokenAnswer, NotAuthenticated, Patience, Transport, clean, place, session
from connectors.servicenow.settings import SECRETS, Settings

_PARAMETERS = {
    "sysparm_display_value": "false",  # labels and the account's own time zone would come otherwise
    "sysparm_exclude_reference_link": "true",
    "sysparm_suppress_pagination_header": "true",  # it repeats the query, and long ones overflow the header
    "sysparm_no_count": "false",
}
_TABLE, _STATS, _TOKEN = "/api/now/table/", "/api/now/stats/", "/oauth_token.do"


class Row(msgspec.Struct, gc=False):
    """What paging needs of a record. Times are as sent: ``YYYY-MM-DD HH:MM:SS`` in UTC."""

    sys_id: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
    sys_updated_on: str = ""
    sys_created_on: str = ""
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


class _Grant(msgspec.Struct):
    access_token: str


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
    kind = _StatsEnvelope if _STATS in path else _Grant
    try:
        msgspec.json.decode(response.content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BrokenAnswer(f"{place(response.url)} sent something else: {error}", "check the url") from error


class ApiKey(AuthBase):
    """The header of ServiceNow's API key plugin."""

    def __init__(self, key: SecretStr) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["x-sn-apikey"] = self._key.get_secret_value()
        return request


class Bearer(AuthBase):
    """An OAuth token, fetched when first needed and again when the instance no longer takes it.

    pysnow's own OAuthClient knows the password grant only, and leaves the mounted transport behind.
    """

    def __init__(self, url: str, form: Mapping[str, SecretStr | str]) -> None:
        self._url = url + _TOKEN
        self._form = form
        self._token: SecretStr | None = None
        self.session: requests.Session | None = None

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token is None:
            self._token = self._grant()
        request.headers["Authorization"] = f"Bearer {self._token.get_secret_value()}"
        return request

    def renew(self) -> bool:
        """Forget the token, so that the next request fetches a new one; False when there was none to forget."""
        had_one = self._token is not None
        self._token = None
        return had_one

    def _grant(self) -> SecretStr:
        if self.session is None:
            raise RuntimeError("the token has no session to be fetched with")
        form = {k: v.get_secret_value() if isinstance(v, SecretStr) else v for k, v in self._form.items()}
        headers = {"content-type": "application/x-www-form-urlencoded"}
        answer = self.session.post(self._url, data=form, headers=headers, auth=_bare)
        return SecretStr(msgspec.json.decode(answer.content, type=_Grant).access_token)


def _bare(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """No log-in: the token endpoint takes its own."""
    return request


def credentials(source: str, settings: Settings, secrets: Mapping[str, SecretStr]) -> AuthBase:
    """The log-in that the settings name.

    Raises:
        NotAuthenticated: a secret is missing.
    """
    missing = [name for name in SECRETS[settings.auth] if name not in secrets]
    if missing:
        prefix = "SMS_EVIDENCE_" + re.sub(r"[^A-Z0-9]", "_", source.upper())
        names = ", ".join(f"{prefix}_{name.upper()}" for name in missing)
        raise NotAuthenticated(f"{source}: {settings.auth} needs {', '.join(missing)}", f"set {names}")
    if settings.auth == "basic":
        user, password = (secrets[name].get_secret_value() for name in ("username", "password"))
        return HTTPBasicAuth(user.encode(), password.encode())
    if settings.auth == "api_key":
        return ApiKey(secrets["token"])
    grant = "password" if settings.auth == "oauth_password" else "client_credentials"
    return Bearer(settings.url, {"grant_type": grant} | {name: secrets[name] for name in SECRETS[settings.auth]})


@dataclass(slots=True)
class Client:
    """The requests of one instance, one after the other on one session."""

    url: str
    auth: AuthBase
    patience: Patience
    transport: Transport = field(init=False)
    _snow: pysnow.Client = field(init=False)

    def __post_init__(self) -> None:
        self.transport = Transport(self.patience, check)
        own = session(self.transport, self.url, auth=self.auth)
        if isinstance(self.auth, Bearer):
            self.auth.session = own
        parts = urlsplit(self.url)
        self._snow = pysnow.Client(host=parts.netloc + parts.path, use_ssl=parts.scheme == "https", session=own)

    def page(self, table: str, query: str, fields: Sequence[str], limit: int) -> Answer:
        """The first ``limit`` records of a query, which must name its order."""
        response = self._get(
            f"/table/{table}", query, {"sysparm_fields": ",".join(fields), "sysparm_limit": str(limit)}
        )
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
        try:
            return self._send(path, query, parameters)
        except NotAuthenticated:
            if not (isinstance(self.auth, Bearer) and self.auth.renew()):
                raise
            return self._send(path, query, parameters)

    def _send(self, path: str, query: str, parameters: Mapping[str, str]) -> requests.Response:
        resource = self._snow.resource(api_path=path)
        resource.parameters.add_custom(_PARAMETERS | dict(parameters) | {"sysparm_query": query})
        resource.get(query=query)
        return self._last()

    def _last(self) -> requests.Response:
        if self.transport.last is None:
            raise BrokenAnswer("there is no answer yet", "")
        return self.transport.last
