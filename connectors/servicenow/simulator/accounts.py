"""Log-in to the simulator: basic, OAuth tokens with an end, and an API key."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import Message
from urllib.parse import parse_qsl

import msgspec

from connectors.loopback import Answer
from connectors.servicenow.rendering.values import sys_id
from connectors.servicenow.simulator.faults import JSON

TOKEN_SECONDS = 1800


@dataclass(slots=True)
class Token:
    """An access token. ``uses_left`` is None for one that only time ends."""

    expires_at: datetime
    uses_left: int | None


@dataclass(slots=True)
class Accounts:
    """The one account that may read, and its tokens. ``token_uses`` ends a token after as many requests."""

    username: str
    password: str
    client_id: str
    client_secret: str
    api_key: str
    token_uses: int | None = None
    tokens: dict[str, Token] = field(default_factory=dict)
    refresh_tokens: set[str] = field(default_factory=set)
    issued: int = 0

    def is_known(self, headers: Message[str, str], now: datetime) -> bool:
        """Whether a request comes from the account."""
        scheme, _, credentials = str(headers.get("Authorization", "")).partition(" ")
        if scheme.lower() == "basic":
            return _pair(credentials) == (self.username, self.password)
        if scheme.lower() == "bearer":
            return self._is_valid(credentials, now)
        return headers.get("x-sn-apikey") == self.api_key

    def _is_valid(self, name: str, now: datetime) -> bool:
        token = self.tokens.get(name)
        if token is None or now >= token.expires_at or token.uses_left == 0:
            return False
        if token.uses_left is not None:
            token.uses_left -= 1
        return True

    def expire_tokens(self) -> None:
        """Forget all access tokens; refresh tokens stay good."""
        self.tokens.clear()

    def grant(self, headers: Message[str, str], body: bytes, now: datetime) -> Answer:
        """``POST /oauth_token.do``. The client may name itself in the form or in a basic header."""
        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        scheme, _, credentials = str(headers.get("Authorization", "")).partition(" ")
        client = (form.get("client_id"), form.get("client_secret"))
        if scheme.lower() == "basic":
            client = _pair(credentials)
        if headers.get_content_type() != "application/x-www-form-urlencoded":
            return _refused("invalid_request", "the body is no form")
        if client != (self.client_id, self.client_secret) or not self._may(form):
            return _refused("server_error", "access_denied")
        return self._issue(form["grant_type"], now)

    def _may(self, form: Mapping[str, str]) -> bool:
        match form.get("grant_type"):
            case "client_credentials":
                return True
            case "password":
                return (form.get("username"), form.get("password")) == (self.username, self.password)
            case "refresh_token":
                return form.get("refresh_token") in self.refresh_tokens
        return False

    def _issue(self, grant_type: str, now: datetime) -> Answer:
        """A new token; client credentials come without a refresh token, as there is no person to ask."""
        self.issued += 1
        name = sys_id("token", self.issued)
        self.tokens[name] = Token(now + timedelta(seconds=TOKEN_SECONDS), self.token_uses)
        grant: dict[str, str | int] = {
            "access_token": name,
            "scope": "useraccount",
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS - 1,
        }
        if grant_type != "client_credentials":
            grant["refresh_token"] = sys_id("refresh_token", self.issued)
            self.refresh_tokens.add(sys_id("refresh_token", self.issued))
        return Answer(200, {"Content-Type": JSON}, msgspec.json.encode(grant))


def _pair(credentials: str) -> tuple[str, str]:
    """User and password of a basic header, both empty when it can't be read."""
    try:
        user, _, password = b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return "", ""
    return user, password


def _refused(error: str, description: str) -> Answer:
    body = {"error_description": description, "error": error}
    return Answer(401, {"Content-Type": JSON}, msgspec.json.encode(body))
