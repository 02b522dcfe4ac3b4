"""A scripted Jira site on loopback, for the faults that a site that behaves does not show."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr

from connectors import Connector
from connectors.jira import Settings, connect

CLOUD = {"username": SecretStr("evidence@example.com"), "token": SecretStr("s3cret")}
NOW = "2026-11-01T03:30:00.000+0100"

Answer = object | bytes | tuple[int, Mapping[str, str], object]
Route = Callable[[dict[str, str], dict[str, Any]], Answer]


class Site:
    """A scripted site: one function per endpoint. ``asked`` holds the requests as (method, endpoint, query, body)."""

    def __init__(self) -> None:
        self.routes: dict[str, Route] = {}
        self.asked: list[tuple[str, str, dict[str, str], dict[str, Any]]] = []
        self.authorization: set[str | None] = set()
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one packet
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                endpoint = re.sub("^/rest/api/", "", parts.path)
                query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
                site.authorization.add(self.headers["Authorization"])
                site.asked.append((self.command, endpoint, query, body))
                answer = site.routes[endpoint](query, body) if endpoint in site.routes else (404, {}, {})
                status, headers, document = answer if isinstance(answer, tuple) else (200, {}, answer)
                content = document if isinstance(document, bytes) else json.dumps(document).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_GET  # noqa: N815 - named by the base class

            def log_message(self, format: str, *args: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def made(self, secrets: Mapping[str, SecretStr] = CLOUD, **settings: object) -> Connector:
        """A connector of this site that has not logged in."""
        given = {"connector": "jira", "url": self.url, "projects": ["OPS"], "patience": {"attempts": 2}}
        return connect("jira-itsm", Settings.model_validate(given | settings), secrets)

    def opened(self, secrets: Mapping[str, SecretStr] = CLOUD, **settings: object) -> Connector:
        """A connector of this site that has logged in."""
        connector = self.made(secrets, **settings)
        connector.open()
        return connector

    def of(self, endpoint: str) -> list[tuple[dict[str, str], dict[str, Any]]]:
        """The requests to an endpoint: query and body."""
        return [(query, body) for _, asked, query, body in self.asked if asked == endpoint]

    def stop(self) -> None:
        """End the server."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    """A site on loopback that behaves; tests replace one endpoint."""
    made = Site()
    made.routes |= {
        "3/myself": lambda *_: {"accountId": "u1", "timeZone": "Europe/Amsterdam"},
        "3/serverInfo": lambda *_: {"deploymentType": "Cloud", "serverTime": NOW},
        "3/project/search": lambda *_: {"values": [{"id": "10000", "key": "OPS"}], "isLast": True},
        "3/field": lambda *_: [{"id": "summary", "name": "Summary", "custom": False}],
        "3/status": lambda *_: [{"id": "1", "name": "Open"}, {"id": "3", "name": "Closed"}],
        "3/search/jql": lambda *_: {"issues": [{"id": "1", "fields": {}}, {"id": "2", "fields": {}}], "isLast": True},
        "2/myself": lambda *_: {"name": "evidence", "key": "JIRAUSER1", "timeZone": "Europe/Amsterdam"},
        "2/serverInfo": lambda *_: {"deploymentType": "Server", "serverTime": NOW},
        "2/project": lambda *_: [{"id": "10000", "key": "OPS"}, {"id": "10001", "key": "HR"}],
        "2/field": lambda *_: [],
    }
    yield made
    made.stop()
