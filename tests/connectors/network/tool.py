"""A tool that answers every request with JSON, and one request to it through the settings of a source."""

from __future__ import annotations

import ssl
from email.message import Message
from pathlib import Path

from requests.auth import HTTPBasicAuth

from connectors.errors import SourceError
from connectors.http import Patience, Transport
from connectors.loopback import Answer, Served
from connectors.network import NetworkSettings
from connectors.unreached import unreached

GOOD = b'{"result": []}'
SECRET = "s3cret-of-the-tool"
LOGIN = HTTPBasicAuth("reader", SECRET)


class Tool(Served):
    """Keeps the headers of what it was asked."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.seen: list[Message[str, str]] = []
        super().__init__(tls=tls)

    def answer(self, method: str, target: str, headers: Message[str, str], body: bytes) -> Answer:
        """The same to everybody."""
        self.seen.append(headers)
        return Answer(200, {"Content-Type": "application/json"}, GOOD)


def get(url: str, *, auth: HTTPBasicAuth | None = LOGIN, **settings: str | Path) -> bytes:
    """The body of one answer, with the real transport. Raises what the settings or the transport raise."""
    transport = Transport(Patience(attempts=2, base=0, connect=10, read=10, body=10))
    session = NetworkSettings.model_validate(settings).session(transport, url, auth=auth)
    try:
        return session.get(f"{url}/api/now/table/incident", params={"q": SECRET}).content
    finally:
        transport.close()


def refusal(url: str, **settings: str | Path) -> SourceError:
    """How a request fails; the secrets of the request are not in it."""
    try:
        get(url, **settings)
    except SourceError as error:
        assert SECRET not in str(error)
        assert "\n" not in str(error)
        return error
    raise AssertionError("it was let through")


def reason(error: SourceError) -> str:
    """What is said of the library's error behind ours."""
    said = unreached(error.__cause__, "https://tool.example.com/x")  # type: ignore[arg-type]
    assert SECRET not in str(said)
    return str(said)
