"""The session for what the library has no calls for: Service Management's own API, and Assets."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import requests
from requests.auth import AuthBase, HTTPBasicAuth

from connectors.http import BrokenAnswer, Pace, Patience, Transport
from connectors.jira.answers import decode, refuse_anonymous
from connectors.jira.client import Login
from connectors.network import NetworkSettings

_OPT_IN = {"X-ExperimentalApi": "opt-in", "Accept": "application/json"}


class _Bearer(AuthBase):
    """A personal access token."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Session:
    """Requests with the log-in of the site: Assets takes the same one, on an address of its own."""

    def __init__(self, url: str, login: Login, patience: Patience, pace: Pace, network: NetworkSettings) -> None:
        self.transport = Transport(patience, check, pace=pace)
        self._session = network.session(self.transport, url, auth=_auth(login))

    def get(self, url: str, parameters: Mapping[str, str | int] | None = None) -> bytes:
        """The body of an answer. Raises SourceError for any other than a sound one."""
        return self._session.get(url, params=dict(parameters or {}), headers=_OPT_IN).content

    def post(self, url: str, body: Mapping[str, str], parameters: Mapping[str, str | int] | None = None) -> bytes:
        """The body of an answer to a question that is asked in JSON. Raises SourceError like ``get``."""
        return self._session.post(url, json=dict(body), params=dict(parameters or {}), headers=_OPT_IN).content

    def close(self) -> None:
        """End the session."""
        self._session.close()


def check(response: requests.Response) -> None:
    """Prove a 200 before anything uses it.

    Raises:
        NotAuthenticated: the credentials were refused and the request was served as anonymous.
        BrokenAnswer: it carries error messages beside a status of success, or is neither an object nor a list.
    """
    refuse_anonymous(response)
    if bytes(decode(response.content, msgspec.Raw)).lstrip()[:1] not in (b"{", b"["):
        raise BrokenAnswer("the answer is neither an object nor a list", "a proxy in between may answer in its place")


def _auth(login: Login) -> AuthBase:
    basic = login.basic
    return HTTPBasicAuth(*basic) if basic else _Bearer(login.token.get_secret_value())
