"""The transport against a real socket that misbehaves: busy, broken, slow, hung, lying and insecure servers.

Each fault is one that a vendor's instance or a proxy in front of it shows; none may end as a shorter answer that looks
whole, as a wait without end, as a retry before the time that the server asked for, or as a secret in a message.
"""

from __future__ import annotations

import gzip
import json
import random
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import jira
import pysnow
import pytest
import requests
import responses
from hypothesis import given
from hypothesis import strategies as st
from requests.auth import HTTPBasicAuth

from connectors.http import (
    BadRequest,
    BrokenAnswer,
    DeadlineExceeded,
    Forbidden,
    Gone,
    InsecureUrl,
    NotAuthenticated,
    NotFound,
    Patience,
    RateLimited,
    ServerFailed,
    SourceError,
    Transport,
    Unreachable,
    clean,
    place,
    require_secure,
    retry_after,
    session,
)

NOW = datetime(2026, 11, 1, 2, 30, tzinfo=UTC)
GOOD = b'{"result": [{"sys_id": "a"}]}'

# A key made for this test alone; it is good for loopback and opens nothing.
KEY = """-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgw/cRVmtgFSRu1mEL
I5GJL2/SU9N914bj9seeh4pLco6hRANCAASpj4mo0uK4e03gPoupigmCEIn91HLa
3d30sN5pzdz3e2GXXpX9BP+EvI/f+V5uWXCbf+B+s7HWW7YuL6YbNB7t
-----END PRIVATE KEY-----
"""
CERTIFICATE = """-----BEGIN CERTIFICATE-----
MIIBeDCCAR2gAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlsb2NhbGhv
c3QwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMM
CWxvY2FsaG9zdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABKmPiajS4rh7TeA+
i6mKCYIQif3Uctrd3fSw3mnN3Pd7YZdelf0E/4S8j9/5Xm5ZcJt/4H6zsdZbti4v
phs0Hu2jXjBcMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgKEMBoGA1Ud
EQQTMBGCCWxvY2FsaG9zdIcEfwAAATAdBgNVHQ4EFgQU2BgsUjD7hMD6QppEJ9kA
9Y5SHIMwCgYIKoZIzj0EAwIDSQAwRgIhALITKYQ1CKZNFr8a8vZAZ7oHC1ODZt61
gslGVISKuosGAiEAyNKCbtdhxVqu72iqybwW3DTwI0w4AhKu30RW/llYy24=
-----END CERTIFICATE-----
"""


def answer(status: int = 200, body: bytes = GOOD, **headers: str) -> bytes:
    """A response on the wire, with a JSON body unless told otherwise; ``a_b="c"`` is the header ``a-b: c``."""
    shown = {"content-type": "application/json;charset=UTF-8", "content-length": str(len(body))}
    shown |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in shown.items() if value)
    return f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode() + body


@dataclass(frozen=True)
class Step:
    """What the server does with one request: send pieces with a pause (s) before each, then stay, close, or hang."""

    pieces: tuple[bytes, ...]
    pause: float = 0.0
    is_closing: bool = False
    is_hanging: bool = False


def cut(data: bytes) -> Step:
    return Step((data,), is_closing=True)


@dataclass
class Server:
    """Plays its steps over real sockets, one per request, the last one again and again."""

    steps: list[Step | bytes] = field(default_factory=list)
    tls: ssl.SSLContext | None = None
    seen: list[bytes] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        self._over, self.hung_up = threading.Event(), threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept)]
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = f"{'https' if self.tls else 'http'}://{self.address}/api/now/table/incident"
        self._threads[0].start()

    def stop(self) -> None:
        if self._over.is_set():
            return
        self._over.set()
        socket.create_connection(self._listener.getsockname()).close()  # wakes accept
        for thread in self._threads:
            thread.join(5)
        self._listener.close()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        self.connections += 1
        connection.settimeout(0.1)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            while (request := self._request(connection)) is not None:
                self.seen.append(request)
                if self._play(connection, self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]):
                    return
        except OSError:
            pass  # the client hung up, as it should on some faults
        finally:
            connection.close()

    def _request(self, connection: socket.socket) -> bytes | None:
        data = b""
        while b"\r\n\r\n" not in data and not data.startswith(b"\x16"):  # an unexpected TLS hello is one as well
            try:
                received = connection.recv(65536)
            except TimeoutError:
                if self._over.is_set():
                    return None
                continue
            if not received:
                self.hung_up.set()
                return None
            data += received
        return data

    def _play(self, connection: socket.socket, step: Step | bytes) -> bool:
        """Whether the connection is done with."""
        step = step if isinstance(step, Step) else Step((step,))
        for piece in step.pieces:
            if self._over.wait(step.pause):
                return True
            connection.sendall(piece)
        if step.is_hanging:
            self._over.wait(10)
        return step.is_closing or step.is_hanging


Serve = Callable[..., Server]


@pytest.fixture
def serve() -> Iterator[Serve]:
    started: list[Server] = []

    def start(*steps: Step | bytes, tls: ssl.SSLContext | None = None) -> Server:
        started.append(Server(list(steps), tls))
        return started[-1]

    yield start
    for server in started:
        server.stop()


class Bench:
    """A transport with its session, whose sleeping is written down and not done."""

    def __init__(self, server: Server, check: Any = None, verify: bool | Path = True, **patience: Any) -> None:
        self.slept: list[float] = []
        self.transport = Transport(
            Patience(**patience), check, sleep=self.slept.append, wall=lambda: NOW, random=random.Random(1)
        )
        self.session = session(self.transport, server.url, verify=verify)
        self.session.trust_env = False
        self.url = server.url

    def get(self, **options: Any) -> requests.Response:
        with closing(self.session):
            return self.session.get(self.url, **options)

    def fails(self, kind: type[SourceError], **options: Any) -> SourceError:
        with pytest.raises(kind) as caught:
            self.get(**options)
        assert type(caught.value) is kind
        assert "\n" not in str(caught.value) and str(caught.value).endswith(caught.value.next_step)
        return caught.value


# Good answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wire",
    [
        answer(),
        Step((answer(connection="close"),), is_closing=True),
        answer(body=gzip.compress(GOOD), content_encoding="gzip"),
        answer(body=b"%x\r\n%s\r\n0\r\n\r\n" % (len(GOOD), GOOD), content_length="", transfer_encoding="chunked"),
        Step((answer(content_length=""),), is_closing=True),
        answer(content_type="application/vnd.api+json"),
        Step(tuple(answer()[i : i + 20] for i in range(0, len(answer()), 20)), pause=0.005),
    ],
    ids=["plain", "close", "gzip", "chunked", "until-closed", "json-kind", "in-pieces"],
)
def test_a_whole_answer_comes_through_at_the_first_attempt(serve: Serve, wire: Step | bytes) -> None:
    bench = Bench(serve(wire))
    for stream in (False, True):
        response = bench.get(stream=stream)
        assert response.content == GOOD
        assert response is bench.transport.last
    assert (bench.transport.requests, bench.transport.retries, bench.slept) == (2, 0, [])


def test_a_connection_is_used_again(serve: Serve) -> None:
    server = serve(answer())
    bench = Bench(server)
    with closing(bench.session):
        for _ in range(3):
            bench.session.get(server.url)
    assert (len(server.seen), server.connections) == (3, 1)
    assert server.hung_up.wait(5), "closing the session closes the connection, though the last answer is still held"


# Faults that pass -----------------------------------------------------------------------------------------------------

PASSING = {
    "429-without-a-word": answer(429, b"", content_type="text/html"),
    "503-without-header": answer(503, b"<html>down</html>", content_type="text/html"),
    "408": answer(408, b"{}"),
    "425": answer(425, b"{}"),
    "500": answer(500, b"{}"),
    "502-html": answer(502, b"<html></html>", content_type="text/html"),
    "504": answer(504, b"{}"),
    "202-two-requests-on-one-cookie": answer(202, b""),
    "206": answer(206),
    "204": b"HTTP/1.1 204 No Content\r\n\r\n",
    "empty": answer(200, b""),
    "html-hibernating": answer(200, b"<html>Hibernating instance</html>", content_type="text/html"),
    "no-type": answer(200, content_type=""),
    "cut-length": cut(answer(content_length="4000")),
    "chunked-without-end": cut(
        answer(body=b"%x\r\n%s\r\n" % (len(GOOD), GOOD), content_length="", transfer_encoding="chunked")
    ),
    "chunk-cut": cut(answer(body=b"ffff\r\n" + GOOD, content_length="", transfer_encoding="chunked")),
    "gzip-broken": answer(body=gzip.compress(GOOD)[:-8] + bytes(8), content_encoding="gzip"),
    "gzip-cut": answer(body=gzip.compress(GOOD * 9)[:-20], content_encoding="gzip"),
    "json-cut": answer(body=GOOD[:-1]),
    "json-twice": answer(body=GOOD * 2),
    "not-http": cut(b"\x15\x03\x01\x00\x02\x02\x50\r\n\r\n"),
    "dropped": cut(b""),
    "cut-header": cut(answer()[:30]),
}


@pytest.mark.parametrize("fault", PASSING)
def test_a_fault_that_passes_is_asked_again(serve: Serve, fault: str) -> None:
    server = serve(PASSING[fault], PASSING[fault], answer())
    bench = Bench(server)
    assert bench.get().content == GOOD
    assert (bench.transport.requests, bench.transport.retries, len(server.seen)) == (3, 2, 3)
    assert len(bench.slept) == 2
    assert all(0 <= pause <= 0.5 * 2**n for n, pause in enumerate(bench.slept, start=1)), "full jitter"


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ("429-without-a-word", RateLimited, "answered 429: lower per_minute"),
        ("503-without-header", ServerFailed, "answered 503"),
        ("408", DeadlineExceeded, "answered 408"),
        ("202-two-requests-on-one-cookie", BrokenAnswer, "answered 202 without the content"),
        ("empty", BrokenAnswer, "answered 200 without the content"),
        ("html-hibernating", BrokenAnswer, "text/html instead of JSON: a log-in or maintenance page"),
        ("cut-length", BrokenAnswer, "cut or damaged"),
        ("chunked-without-end", BrokenAnswer, "cut or damaged"),
        ("gzip-broken", BrokenAnswer, "cut or damaged"),
        ("gzip-cut", BrokenAnswer, "JSON that is cut or damaged"),
        ("dropped", BrokenAnswer, "broke the connection off"),
    ],
)
def test_a_fault_that_stays_ends_in_its_error(serve: Serve, fault: str, kind: type[SourceError], words: str) -> None:
    bench = Bench(serve(PASSING[fault]), attempts=3)
    error = bench.fails(kind)
    assert words in str(error)
    assert (bench.transport.requests, bench.transport.retries, len(bench.slept)) == (3, 2, 2)
    assert bench.transport.last is None


def test_a_post_is_asked_again_as_well_because_all_we_send_are_reads(serve: Serve) -> None:
    server = serve(PASSING["503-without-header"], answer())
    bench = Bench(server)
    with closing(bench.session):
        assert bench.session.post(server.url, json={"issueIdsOrKeys": ["1"]}).content == GOOD
    assert len(server.seen) == 2


def test_a_check_that_finds_the_answer_broken_has_it_asked_again_and_any_other_error_ends(serve: Serve) -> None:
    def check(response: requests.Response) -> None:
        document = json.loads(response.content)
        if document.get("status") == "failure":
            raise BrokenAnswer("transaction cancelled", "lower page_size")
        if document.get("anonymous"):
            raise NotAuthenticated("answered as to a visitor", "check the token")

    failed = answer(body=b'{"result": [], "status": "failure"}')
    bench = Bench(serve(failed, answer()), check)
    assert bench.get().content == GOOD
    assert bench.transport.requests == 2
    bench = Bench(serve(answer(body=b'{"anonymous": 1}')), check)
    assert "check the token" in str(bench.fails(NotAuthenticated))
    assert bench.transport.requests == 1
    bench = Bench(serve(answer(body=b'{"a":' * 100_000)), check, attempts=1)
    assert "nested too deeply" in str(bench.fails(BrokenAnswer))


# How long to wait -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "7"}, 7),
        ({"retry_after": "1.5"}, 1.5),
        ({"retry_after": format_datetime(NOW + timedelta(seconds=90), usegmt=True)}, 90),
        (
            {
                # the instance's clock is 5 minutes behind ours: its date is by its clock
                "retry_after": format_datetime(NOW - timedelta(seconds=270), usegmt=True),
                "date": format_datetime(NOW - timedelta(seconds=300), usegmt=True),
            },
            30,
        ),
    ],
    ids=["whole", "decimal", "date", "date-by-another-clock"],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured_in_full(serve: Serve, status: int, headers: dict[str, str], seconds: float) -> None:
    bench = Bench(serve(answer(status, b"{}", **headers), answer()))
    bench.get()
    assert bench.slept == [pytest.approx(seconds, abs=0.5)]


@pytest.mark.parametrize("word", ["0", "soon", "-5", "nan", "inf", "1e3"])
def test_a_retry_after_that_says_nothing_leaves_the_back_off(serve: Serve, word: str) -> None:
    bench = Bench(serve(answer(429, b"{}", retry_after=word), answer()))
    bench.get()
    assert len(bench.slept) == 1
    assert 0 < bench.slept[0] <= 1


def test_an_hour_ends_the_stream_instead_of_sleeping(serve: Serve) -> None:
    body = b'{"error": {"message": "Rate limit exceeded", "detail": "100 requests per hour"}, "status": "failure"}'
    bench = Bench(serve(answer(429, body, retry_after="3600")))
    error = bench.fails(RateLimited)
    assert (bench.slept, bench.transport.requests) == ([], 1)
    assert "(Rate limit exceeded; 100 requests per hour), and asks to wait 3600 s" in str(error)
    assert "the next run carries on" in error.next_step


def test_the_budget_is_for_all_the_sleeping_of_one_request(serve: Serve) -> None:
    bench = Bench(serve(answer(503, b"{}", retry_after="50")), attempts=9)
    bench.fails(RateLimited)
    assert bench.slept == pytest.approx([50, 50], abs=0.5)
    bench = Bench(serve(answer(503, b"{}")), attempts=99, base=10.0, budget=60.0)
    bench.fails(ServerFailed)
    assert sum(bench.slept) <= 60


@pytest.mark.parametrize("value", [None, "", "garbage", "-1", "nan", "1_000", "12 34"])
def test_no_seconds(value: str | None) -> None:
    assert retry_after(value, NOW) is None


def test_a_date_that_is_over_means_now() -> None:
    assert retry_after("Sun, 01 Nov 2026 02:00:00 GMT", NOW) == 0


@given(st.text(), st.text())
def test_hostile_headers_and_urls_raise_nothing_strange(value: str, host: str) -> None:
    seconds = retry_after(value, NOW)
    assert seconds is None or seconds >= 0
    for url in (value, f"http://{host}", f"https://{host}:{value}/"):
        assert place(url).isprintable()
        try:
            require_secure(url)
        except InsecureUrl as error:
            assert "\n" not in str(error)


def test_the_pace_is_kept(serve: Serve) -> None:
    server = serve(answer())
    bench = Bench(server, per_minute=30)
    with closing(bench.session):
        for _ in range(3):
            bench.session.get(server.url)
    assert len(bench.slept) == 2
    assert sum(bench.slept) == pytest.approx(6, abs=0.5), "the clock of this test does not sleep"


# Deadlines ------------------------------------------------------------------------------------------------------------


def test_a_dripping_body_ends_at_the_deadline(serve: Serve) -> None:
    bench = Bench(serve(Step((answer(content_length="9000"), *[b" "] * 200), pause=0.02)), attempts=1, body=0.3)
    begun = time.monotonic()
    assert "no whole answer within 0.3 s" in str(bench.fails(DeadlineExceeded))
    assert time.monotonic() - begun < 1


def test_a_hung_server_ends_at_the_timeout_and_is_asked_again(serve: Serve) -> None:
    bench = Bench(serve(Step((), is_hanging=True), answer()), read=0.2)
    begun = time.monotonic()
    assert bench.get(timeout=60).content == GOOD, "the library's own patience does not matter"
    assert time.monotonic() - begun < 1
    assert bench.transport.retries == 1


@pytest.mark.parametrize("connection", ["close", "keep-alive"])
def test_a_body_that_stops_late_does_not_double_the_deadline(serve: Serve, connection: str) -> None:
    """Also where the connection is not kept, and http.client has let go of its socket."""
    late = Step((answer(content_length="9000", connection=connection), b" "), pause=0.35, is_hanging=True)
    bench = Bench(serve(late), attempts=1, body=1.0, read=60.0)
    begun = time.monotonic()
    assert "stopped sending" in str(bench.fails(DeadlineExceeded))
    assert time.monotonic() - begun < 1.3


# Faults that stay -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (400, b'{"errorMessages": ["Bad JQL"], "errors": {"jql": "no"}}', BadRequest, "(Bad JQL; jql: no)"),
        (401, b'{"error": {"message": "User Not Authenticated", "detail": "Required"}}', NotAuthenticated, "Required"),
        (401, b'{"error": "invalid_client", "error_description": "no such client"}', NotAuthenticated, "no such"),
        (401, b'{"message": "Client must be authenticated", "status-code": 401}', NotAuthenticated, "Client must"),
        (403, b'{"error": {"message": "Insufficient rights", "detail": null}}', Forbidden, "(Insufficient rights)"),
        (403, b"[1, 2]", Forbidden, "answered 403: give the account"),
        (404, b"<html>\x00</html>", NotFound, "answered 404: check the url"),
        (410, b'{"errorMessages": ["The API has been removed"]}', Gone, "has been removed"),
        (418, b'{"a":' * 100_000, BadRequest, "answered 418"),
        (501, b"{}", ServerFailed, "answered 501"),
    ],
)
def test_a_refusal_is_final_and_speaks_the_vendors_words(
    serve: Serve, status: int, body: bytes, kind: type[SourceError], words: str
) -> None:
    bench = Bench(serve(answer(status, body, retry_after="1")))
    assert words in str(bench.fails(kind))
    assert (bench.transport.requests, bench.slept) == (1, [])


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("https://sso.example.com/login?session=s3cret", "redirects to https://sso.example.com/login, a log-in"),
        ("http://[bad", "redirects to an address that is no URL"),
        ("", "redirects to an unknown address"),
    ],
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 300])
def test_a_redirect_is_never_followed(serve: Serve, status: int, location: str, words: str) -> None:
    server = serve(answer(status, location=location))
    error = Bench(server).fails(BrokenAnswer)
    assert words in str(error)
    assert "s3cret" not in str(error)
    assert len(server.seen) == 1


def test_nobody_there(serve: Serve) -> None:
    server = serve(answer())
    server.stop()
    bench = Bench(server, attempts=2)
    error = bench.fails(Unreachable, params={"token": "s3cret"})
    assert "/api/now/table/incident can't be reached: check the url, DNS" in str(error)
    assert "s3cret" not in str(error)
    assert bench.transport.requests == 2


# TLS and plain http ---------------------------------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    key, path = tmp_path / "key.pem", tmp_path / "certificate.pem"
    key.write_text(KEY)
    path.write_text(CERTIFICATE)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, key)
    return context, path


def test_a_certificate_is_verified_and_a_private_ca_can_be_named(
    serve: Serve, certificate: tuple[ssl.SSLContext, Path]
) -> None:
    context, path = certificate
    bench = Bench(serve(answer(), tls=context))
    assert "certificate is not accepted: check the url, or give the private CA" in str(bench.fails(Unreachable))
    assert bench.transport.requests == 1, "a certificate does not become good by asking again"
    assert Bench(serve(answer(), tls=context), verify=path).get().content == GOOD


def test_a_ca_file_that_is_not_there(serve: Serve, certificate: tuple[ssl.SSLContext, Path]) -> None:
    bench = Bench(serve(answer(), tls=certificate[0]), verify=Path("no-such-ca.pem"))
    assert "the CA file" in str(bench.fails(BadRequest))


def test_https_to_a_server_that_speaks_http(serve: Serve) -> None:
    server = serve(cut(answer(400, b"")))
    server.url = server.url.replace("http:", "https:")
    assert "no TLS connection" in str(Bench(server, attempts=1).fails(Unreachable))


@pytest.mark.parametrize(
    "url",
    ["https://example.service-now.com", "http://localhost:8080/x", "http://127.1.2.3", "http://[::1]:80/", "HTTPS://A"],
)
def test_secure(url: str) -> None:
    require_secure(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "http://127.0.0.1.example.com/",
        "http://localhost@example.com/",
        "http://localhost\\@example.com/",
        "http://0.0.0.0/",
        "http://[bad",
        "https://",
        "https://h:99999/",
        "ftp://localhost/",
        "localhost",
        "",
    ],
)
def test_insecure(url: str) -> None:
    with pytest.raises(InsecureUrl, match="https://"):
        require_secure(url)
    with pytest.raises(InsecureUrl):
        session(Transport(), url)


@responses.activate
def test_a_link_can_not_downgrade_a_session() -> None:
    """Each request is looked at, not only the configured url."""
    responses.get("http://example.com/next", json={})
    with closing(session(Transport(), "https://example.com")) as made:
        responses.stop()
        with pytest.raises(InsecureUrl, match=r"^http://example\.com/next is not https"):
            made.get("http://example.com/next?token=s3cret")
        responses.start()


# Messages -------------------------------------------------------------------------------------------------------------


class Header(requests.auth.AuthBase):
    def __init__(self, name: str, value: str) -> None:
        self.name, self.value = name, value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers[self.name] = self.value
        return request


@pytest.mark.parametrize(
    "auth",
    [
        HTTPBasicAuth("reader", "s3cret-word"),
        Header("Authorization", "Bearer s3cret-word"),
        Header("x-sn-apikey", "s3cret-word"),
    ],
)
def test_a_secret_that_the_answer_repeats_is_not_shown(serve: Serve, auth: requests.auth.AuthBase) -> None:
    body = b'{"error": {"message": "no user with s3cret-word"}}'
    assert "(no user with ***)" in str(Bench(serve(answer(401, body))).fails(NotAuthenticated, auth=auth))


def test_a_secret_of_a_form_is_not_shown(serve: Serve) -> None:
    server = serve(answer(401, b'{"error": "invalid_client", "error_description": "s3cret word is wrong"}'))
    bench = Bench(server)
    with closing(bench.session), pytest.raises(NotAuthenticated, match=r"invalid_client; \*\*\* is wrong"):
        bench.session.post(server.url, data={"grant_type": "password", "password": "s3cret word"})


def test_a_secret_that_http_refuses_is_not_shown(serve: Serve) -> None:
    """http.client quotes the whole header in its own error, and that error must not hang below ours either."""
    error = Bench(serve(answer())).fails(BadRequest, auth=Header("Authorization", "Bearer s3cret\nword"))
    assert "line break" in str(error)
    assert "s3cret" not in str(error)
    assert error.__cause__ is None and error.__suppress_context__


def test_a_message_is_one_short_line_without_the_query(serve: Serve) -> None:
    body = json.dumps({"error": {"message": "a\nb\x1b[31m\u202ec" + "x" * 5000}}).encode()
    error = Bench(serve(answer(400, body))).fails(BadRequest, params={"sysparm_query": "caller=s3cret"})
    assert "(a b [31m c" in str(error)
    assert len(str(error)) < 400
    assert "s3cret" not in str(error)
    assert str(SourceError("two\nlines", "of\twords")) == "two lines: of words"
    assert len(clean("x" * 5000)) == 200


# Below the vendors' libraries -----------------------------------------------------------------------------------------


def test_below_pysnow(serve: Serve) -> None:
    server = serve(PASSING["cut-length"], answer(), answer(401, b'{"error": {"message": "no"}}'))
    bench = Bench(server)
    with closing(bench.session):
        snow = pysnow.Client(host=server.address, use_ssl=False, session=bench.session)
        assert snow.resource(api_path="/table/incident").get(query="ORDERBYsys_id").all() == [{"sys_id": "a"}]
        assert bench.transport.last is not None and bench.transport.last.content == GOOD, "the bytes as received"
        with pytest.raises(NotAuthenticated):
            snow.resource(api_path="/table/incident").get(query="ORDERBYsys_id").all()
    assert (bench.transport.requests, bench.transport.retries) == (3, 1)


def jira_client(server: Server, bench: Bench) -> jira.JIRA:
    """As it must be built: no request of its own, no retries of its own, and then our transport below it."""
    client = jira.JIRA(
        options={"server": f"http://{server.address}", "rest_api_version": "3"},
        token_auth="s3cret",
        get_server_info=False,
        max_retries=0,
    )
    client._session.mount("https://", bench.transport)
    client._session.mount("http://", bench.transport)
    client._session.max_redirects = 0
    client._session.trust_env = False
    return client


@pytest.mark.parametrize(
    ("wire", "kind"),
    [
        (answer(401, b'{"errorMessages": ["no"]}'), NotAuthenticated),
        (answer(403, b"{}"), Forbidden),
        (answer(404, b"{}"), NotFound),
        (answer(410, b"{}"), Gone),
        (answer(400, b"{}"), BadRequest),
        (answer(429, b"{}", retry_after="3600"), RateLimited),
        (answer(429, b"{}", retry_after="Wed, 21 Oct 2099 07:28:00 GMT"), RateLimited),
        (answer(503, b"{}"), ServerFailed),
        (answer(302, location="/login"), BrokenAnswer),
        (PASSING["cut-length"], BrokenAnswer),
        (PASSING["empty"], BrokenAnswer),
        (PASSING["dropped"], BrokenAnswer),
        (Step((), is_hanging=True), DeadlineExceeded),
    ],
)
@pytest.mark.parametrize("use_post", [False, True])
def test_our_errors_come_through_jira(
    serve: Serve, wire: Step | bytes, kind: type[SourceError], use_post: bool
) -> None:
    server = serve(wire)
    bench = Bench(server, attempts=2, read=0.1)
    with closing(jira_client(server, bench)) as client:
        assert server.seen == [], "the client asks nothing by itself"
        with pytest.raises(SourceError) as caught:
            client._get_json("issue/bulkfetch", params={"maxResults": 1}, use_post=use_post)
    assert type(caught.value) is kind


def test_below_jira(serve: Serve) -> None:
    server = serve(PASSING["503-without-header"], answer())
    bench = Bench(server)
    with closing(jira_client(server, bench)) as client:
        assert client._get_json("search/jql", params={"jql": "project = OPS"}) == {"result": [{"sys_id": "a"}]}
    assert bench.transport.last is not None and bench.transport.last.content == GOOD
    assert (bench.transport.requests, bench.transport.retries) == (2, 1)
    assert server.seen[0].startswith(b"GET /rest/api/3/search/jql?jql=project+%3D+OPS HTTP/1.1")
