"""A forward proxy on the loopback interface: tunnels by CONNECT, plain requests by relay, a log-in where it wants one."""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Thread
from typing import Any, Self
from urllib.parse import urlsplit

_HOP = {"connection", "proxy-connection", "proxy-authorization", "keep-alive", "transfer-encoding"}


@dataclass
class Proxy:
    """``tunnels`` and ``relayed`` name what went through; ``heard`` is all that the proxy itself could read.

    ``login`` (``user:password``) is asked for with 407; ``tls`` makes it an https proxy; ``names`` says where a host of
    the outside world really is.
    """

    login: str | None = None
    tls: ssl.SSLContext | None = None
    names: Mapping[str, int] = field(default_factory=dict)
    tunnels: list[str] = field(default_factory=list)
    relayed: list[str] = field(default_factory=list)
    refused: int = 0
    heard: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._server = _Server(self)
        self.url = f"{'https' if self.tls else 'http'}://127.0.0.1:{self._server.socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Nobody listens on the port any more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def lets_in(self, shown: str | None) -> bool:
        """Whether the log-in is right."""
        if self.login is None:
            return True
        return shown == "Basic " + base64.b64encode(self.login.encode()).decode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        super().__init__(("127.0.0.1", 0), _Handler)

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # without the look-up of a name

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self.proxy.tls is not None:
            connection = self.proxy.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = 20

    def do_CONNECT(self) -> None:
        """Open a tunnel and carry bytes both ways until one side ends it."""
        if not self._is_let_in():
            return
        host, _, port = self.path.rpartition(":")
        target = ("127.0.0.1", self.server.proxy.names.get(host, int(port)))
        try:
            upstream = socket.create_connection(target, timeout=20)
        except OSError:
            self.send_error(502)
            return
        self.server.proxy.tunnels.append(self.path)
        self.send_response(200, "Connection established")
        self.end_headers()
        self.close_connection = True
        with upstream:
            back = Thread(target=_carry, args=(upstream, self.connection), daemon=True)
            back.start()
            _carry(self.connection, upstream)
            back.join()

    def do_GET(self) -> None:
        """Pass a plain request on."""
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        if not self._is_let_in():
            return
        parts = urlsplit(self.path)
        self.server.proxy.relayed.append(parts.path)
        upstream = HTTPConnection(parts.hostname or "", parts.port, timeout=20)
        kept = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
        upstream.request(self.command, f"{parts.path}?{parts.query}".rstrip("?"), body or None, kept)
        answer = upstream.getresponse()
        content = answer.read()
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP | {"content-length"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        upstream.close()

    do_POST = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Kept for the test."""
        self.server.proxy.heard.append(format % args)

    def _is_let_in(self) -> bool:
        proxy = self.server.proxy
        proxy.heard.append(f"{self.command} {self.path}\n{self.headers}")
        if proxy.lets_in(self.headers.get("Proxy-Authorization")):
            return True
        proxy.refused += 1
        self.send_response(407)
        self.send_header("Proxy-Authenticate", 'Basic realm="proxy"')
        self.send_header("Content-Length", "0")
        self.end_headers()
        return False


def _carry(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError, ValueError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
