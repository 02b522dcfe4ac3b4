"""A real HTTP server on the loopback interface for the simulators: kept connections, and ways to break off.

An answer leaves in one write, so that no reader waits for a delayed acknowledgement (40 ms a request otherwise).
With a TLS context the server speaks https, and asks for a client certificate where the context does.
"""

from __future__ import annotations

import socket
import ssl
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Event, Thread
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Answer:
    """A response before it is sent.

    ``announced`` is a Content-Length other than the body's; ``is_unfinished`` sends the body as a chunk and never ends
    it; with a ``pause`` (seconds) the body leaves in pieces of ``piece`` bytes; a ``status`` of 0 sends nothing at all.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    announced: int | None = None
    is_unfinished: bool = False
    piece: int = 0
    pause: float = 0.0


Answering = Callable[[str, str, "Message[str, str]", bytes], Answer]
"""Method, request target, headers and body of a request to its answer."""


class Server(ThreadingHTTPServer):
    """Listens on a port of the loopback interface (0: any free one); a thread per connection.

    With ``tls`` it speaks https; the handshake is made in the connection's own thread, so that nobody waits for it.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, answering: Answering, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.answering = answering
        self.tls = tls
        self.stopping = Event()
        self._open: set[socket.socket] = set()
        self._thread: Thread | None = None
        super().__init__(("127.0.0.1", port), Handler)

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.server_port}"

    def server_bind(self) -> None:
        """Bind without the look-up of a name, which can take seconds on a machine without a resolver."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", int(self.socket.getsockname()[1])

    def start(self) -> None:
        """Serve from a thread of its own."""
        self._thread = Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End every connection and free the port."""
        if self._thread is not None:
            self.shutdown()
            self._thread.join()
        self.stopping.set()
        for connection in list(self._open):
            with suppress(OSError):
                # past the TLS layer, which its own thread is reading
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        self.server_close()

    def get_request(self) -> tuple[socket.socket, Any]:
        """The next connection."""
        connection, address = super().get_request()
        if self.tls is not None:
            connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, so that it can be ended."""
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection."""
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up, or does not trust us, is no error; anything else is shown."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError | ssl.SSLError):
            super().handle_error(request, client_address)


class Served(ABC):
    """Something that answers on the loopback interface from ``start`` to ``stop``, or inside ``with``.

    The port is open since the object was made.
    """

    def __init__(self, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self._server = Server(self.answer, port, tls)

    @abstractmethod
    def answer(self, method: str, target: str, headers: Message[str, str], body: bytes) -> Answer:
        """The answer to a request. The server calls it, in many threads."""

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        return self._server.url

    def start(self) -> Self:
        """Serve from a thread of its own."""
        self._server.start()
        return self

    def stop(self) -> None:
        """Stop serving, end all connections and free the port."""
        self._server.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 120

    def setup(self) -> None:
        """Shake hands before the first request is read."""
        super().setup()
        if isinstance(self.connection, ssl.SSLSocket):
            try:
                self.connection.do_handshake()
            except ssl.SSLError:
                self._hear_out()
                raise

    def do_GET(self) -> None:
        """Every method is answered in the same place."""
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        self._send(self.server.answering(self.command, self.path, self.headers, body))

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - named by the base class

    def log_message(self, format: str, *args: object) -> None:
        """Requests are kept by the simulator, not written to the terminal."""

    def _hear_out(self) -> None:
        """Let a client that was refused send what it has under way, or it finds a closed connection, not the reason."""
        with suppress(OSError):
            socket.socket.shutdown(self.connection, socket.SHUT_WR)
            while socket.socket.recv(self.connection, 65536):
                pass

    def _send(self, answer: Answer) -> None:
        if not answer.status:
            self.close_connection = True
            return
        lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        body = answer.body
        if answer.is_unfinished:
            self.close_connection = True
            lines.append("Transfer-Encoding: chunked")
            body = b"%x\r\n%s\r\n" % (len(body), body)
        else:
            length = len(body) if answer.announced is None else answer.announced
            self.close_connection = self.close_connection or length != len(body)
            lines.append(f"Content-Length: {length}")
        head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        if answer.pause:
            self._drip(head, body, answer.piece, answer.pause)
        else:
            self.wfile.write(head + body)

    def _drip(self, head: bytes, body: bytes, piece: int, pause: float) -> None:
        self.wfile.write(head)
        for start in range(0, len(body), piece):
            if self.server.stopping.wait(pause):
                self.close_connection = True
                return
            self.wfile.write(body[start : start + piece])
