"""Logging in: a password, OAuth tokens that all sessions of a run share, an API key, or a client certificate alone.

pysnow's own OAuthClient knows the password grant only, and leaves the mounted transport behind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from threading import Lock

import msgspec
import requests
from pydantic import SecretStr
from requests.auth import AuthBase, HTTPBasicAuth

from connectors.http import BadRequest, Forbidden, NotAuthenticated, SourceError
from connectors.servicenow.settings import SECRETS, Settings

TOKEN_PATH = "/oauth_token.do"  # noqa: S105

Login = Callable[[], AuthBase]
"""Makes the log-in of one more session of the same account."""

Form = Mapping[str, SecretStr | str]


class Grant(msgspec.Struct):
    """What the token endpoint gives; there is no refresh token for client credentials."""

    access_token: str
    refresh_token: str = ""


class ApiKey(AuthBase):
    """The header of ServiceNow's API key plugin."""

    def __init__(self, key: SecretStr) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["x-sn-apikey"] = self._key.get_secret_value()
        return request


def bare(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """No log-in: the token endpoint takes its own. (None would have requests look into ~/.netrc.)"""
    return request


class Certificate(AuthBase):
    """Nothing in the request: the client certificate of the connection says who it is."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return bare(request)


class Tokens:
    """The tokens of one account, shared by all its sessions: fetched once, renewed once, whoever notices first."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._lock = Lock()
        self._access: SecretStr | None = None
        self._refresh: SecretStr | None = None
        self._refusal: SourceError | None = None

    def current(self, post: Callable[[Form], Grant]) -> SecretStr:
        """The access token; ``post`` sends a form to the token endpoint.

        Raises:
            NotAuthenticated: the instance gives none. It is asked once: more would lock the account.
        """
        with self._lock:
            if self._access is None:
                self._access = self._fetch(post)
            return self._access

    def renew(self, stale: SecretStr | None) -> bool:
        """Forget a token that the instance no longer takes, unless another session has replaced it already.

        Returns False when there was none.
        """
        with self._lock:
            if stale is None:
                return False
            if self._access is stale:
                self._access = None
            return True

    def _fetch(self, post: Callable[[Form], Grant]) -> SecretStr:
        if self._refusal is not None:
            raise self._refusal
        grant = self._refreshed(post)
        if grant is None:
            try:
                grant = post(self._form)
            except (NotAuthenticated, BadRequest, Forbidden) as error:
                self._refusal = NotAuthenticated(
                    error.message,
                    f"check the OAuth client and its secret, and that it allows the grant {self._form['grant_type']}",
                )
                raise self._refusal from error
        self._refresh = SecretStr(grant.refresh_token) if grant.refresh_token else None
        return SecretStr(grant.access_token)

    def _refreshed(self, post: Callable[[Form], Grant]) -> Grant | None:
        """A grant by the refresh token; None when there is none, or when it is no longer taken."""
        if self._refresh is None:
            return None
        client = {name: self._form[name] for name in ("client_id", "client_secret")}
        form: Form = {"grant_type": "refresh_token", "refresh_token": self._refresh, **client}
        try:
            return post(form)
        except (NotAuthenticated, BadRequest, Forbidden):
            return None


class Bearer(AuthBase):
    """An OAuth token on one session, which also fetches it."""

    def __init__(self, url: str, tokens: Tokens) -> None:
        self._url = url + TOKEN_PATH
        self._tokens = tokens
        self._sent: SecretStr | None = None
        self.session: requests.Session | None = None

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        self._sent = self._tokens.current(self._post)
        request.headers["Authorization"] = f"Bearer {self._sent.get_secret_value()}"
        return request

    def renew(self) -> bool:
        """Let the next request carry a new token; False when this one carried none."""
        return self._tokens.renew(self._sent)

    def _post(self, form: Form) -> Grant:
        if self.session is None:
            raise RuntimeError("the token has no session to be fetched with")
        data = {name: v.get_secret_value() if isinstance(v, SecretStr) else v for name, v in form.items()}
        headers = {"content-type": "application/x-www-form-urlencoded"}
        answer = self.session.post(self._url, data=data, headers=headers, auth=bare)
        return msgspec.json.decode(answer.content, type=Grant)


def credentials(source: str, settings: Settings, secrets: Mapping[str, SecretStr]) -> Login:
    """The log-in that the settings name, for any number of sessions.

    Raises:
        NotAuthenticated: a secret is missing.
    """
    needed = SECRETS[settings.auth]
    if missing := [name for name in needed if name not in secrets]:
        names = ", ".join(f"{_prefix(source)}_{name.upper()}" for name in missing)
        raise NotAuthenticated(f"{source}: {settings.auth} needs {', '.join(missing)}", f"set {names}")
    if not needed:
        return Certificate
    if settings.auth == "basic":
        user, password = (secrets[name].get_secret_value().encode() for name in ("username", "password"))
        return lambda: HTTPBasicAuth(user, password)
    if settings.auth == "api_key":
        return lambda: ApiKey(secrets["token"])
    grant = "password" if settings.auth == "oauth_password" else "client_credentials"
    tokens = Tokens({"grant_type": grant} | {name: secrets[name] for name in needed})
    return lambda: Bearer(settings.url, tokens)


def _prefix(source: str) -> str:
    return "SMS_EVIDENCE_" + re.sub(r"[^A-Z0-9]", "_", source.upper())
