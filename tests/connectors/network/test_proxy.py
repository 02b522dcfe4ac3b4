"""A forward proxy between us and the tool: what goes through it, what it can read, and what is said when it refuses.

A proxy opens tunnels for https and sees neither the request nor the tool's log-in; its own log-in comes from the
environment and appears nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.http import BadRequest, SourceError, Unreachable
from tests.connectors.network.authority import Authority, serving
from tests.connectors.network.proxy import Proxy
from tests.connectors.network.tool import GOOD, SECRET, Tool, get, reason, refusal

PASSWORD = "geh3im"


@pytest.fixture(scope="module")
def tool(authority: Authority) -> Iterator[Tool]:
    with Tool(tls=serving(authority.issue("behind", hosts=("127.0.0.1", "itsm.example.com")))) as running:
        yield running


@pytest.fixture
def plain() -> Iterator[Tool]:
    """A tool on this machine, over plain http."""
    with Tool() as running:
        yield running


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy() as running:
        yield running


@pytest.fixture
def strict() -> Iterator[Proxy]:
    """A proxy that wants a log-in."""
    with Proxy(login=f"operator:{PASSWORD}") as running:
        yield running


def logged_in(proxy: Proxy, password: str = PASSWORD) -> str:
    return proxy.url.replace("//", f"//operator:{password}@")


def test_https_goes_through_a_tunnel_and_the_proxy_reads_nothing_of_it(
    tool: Tool, proxy: Proxy, authority: Authority
) -> None:
    assert get(tool.url, ca_file=authority.file, proxy=proxy.url) == GOOD
    assert proxy.tunnels == [tool.url.removeprefix("https://")]
    assert proxy.relayed == []
    heard = "\n".join(proxy.heard)
    assert SECRET not in heard
    assert "incident" not in heard
    assert "Authorization" not in heard


def test_the_proxy_finds_the_host_that_this_machine_does_not_know(tool: Tool, authority: Authority) -> None:
    port = int(tool.url.rpartition(":")[2])
    with Proxy(names={"itsm.example.com": port}) as proxy:
        url = "https://itsm.example.com"
        assert get(url, ca_file=authority.file, proxy=proxy.url) == GOOD
        assert proxy.tunnels == ["itsm.example.com:443"]


def test_a_certificate_is_verified_inside_the_tunnel_as_well(tool: Tool, proxy: Proxy, stranger: Authority) -> None:
    heard = len(tool.seen)
    assert "give the private CA as network.ca_file" in reason(refusal(tool.url, ca_file=stranger.file, proxy=proxy.url))
    assert len(tool.seen) == heard


def test_a_client_certificate_goes_through_the_tunnel(authority: Authority, stranger: Authority, proxy: Proxy) -> None:
    client = stranger.issue("tunnelled", hosts=())
    with Tool(tls=serving(authority.issue("inner"), clients=stranger)) as tool:
        assert get(tool.url, ca_file=authority.file, certificate=client.both, proxy=proxy.url) == GOOD
    assert len(proxy.tunnels) == 1


def test_a_proxy_that_speaks_tls_itself(tool: Tool, authority: Authority, stranger: Authority) -> None:
    with Proxy(tls=serving(authority.issue("proxy"))) as proxy:
        assert get(tool.url, ca_file=authority.file, proxy=proxy.url) == GOOD
        assert len(proxy.tunnels) == 1
        error = refusal(tool.url, ca_file=stranger.file, proxy=proxy.url)
        assert "the proxy's TLS certificate is not accepted: give its CA as network.ca_file" in reason(error)
        assert len(proxy.tunnels) == 1


def test_plain_http_on_this_machine_goes_through_a_proxy_that_is_configured(plain: Tool, proxy: Proxy) -> None:
    assert get(plain.url, proxy=proxy.url) == GOOD
    assert proxy.relayed == ["/api/now/table/incident"]
    assert proxy.tunnels == []


@pytest.mark.fault(
    "network",
    "PX1",
    "HTTPS_PROXY, HTTP_PROXY and NO_PROXY are set on the machine",
    "Followed where network.proxy is not set, never for plain http on the same machine; network.proxy wins.",
)
def test_the_environments_proxy(
    tool: Tool, plain: Tool, proxy: Proxy, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.url.removeprefix("http://"))
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    assert get(tool.url, ca_file=authority.file) == GOOD
    assert len(proxy.tunnels) == 1
    assert get(plain.url) == GOOD
    assert proxy.relayed == []
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert get(tool.url, ca_file=authority.file) == GOOD
    assert len(proxy.tunnels) == 1
    with Proxy() as configured:
        assert get(tool.url, ca_file=authority.file, proxy=configured.url) == GOOD
        assert len(configured.tunnels) == 1, "what is configured wins over NO_PROXY"
        monkeypatch.delenv("NO_PROXY")
        assert get(tool.url, ca_file=authority.file, proxy=configured.url) == GOOD
        assert len(configured.tunnels) == 2, "and over HTTPS_PROXY"
    assert len(proxy.tunnels) == 1


@pytest.mark.fault(
    "network",
    "PX2",
    "The proxy wants a log-in (407), or refuses the one that it is shown",
    "Asked once, so that no account is locked; with the log-in in HTTPS_PROXY the tunnel opens, and the tool never sees it.",
)
def test_a_proxy_that_wants_a_log_in(
    tool: Tool, strict: Proxy, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = refusal(tool.url, ca_file=authority.file, proxy=strict.url)
    assert isinstance(error, Unreachable)
    assert "the proxy asks for a log-in, or refuses it: set HTTPS_PROXY=http://user:password@host:port" in reason(error)
    assert strict.refused == 1, "it is not asked again"
    monkeypatch.setenv("HTTPS_PROXY", logged_in(strict, "wr0ng-one"))
    error = refusal(tool.url, ca_file=authority.file)
    assert "wr0ng-one" not in f"{error} {reason(error)}"
    assert strict.tunnels == []
    monkeypatch.setenv("HTTPS_PROXY", logged_in(strict))
    assert get(tool.url, ca_file=authority.file) == GOOD
    assert len(strict.tunnels) == 1
    assert all("Proxy-Authorization" not in headers for headers in tool.seen)


def test_a_proxy_that_wants_a_log_in_for_plain_http(plain: Tool, strict: Proxy) -> None:
    error = refusal(plain.url, proxy=strict.url)
    assert isinstance(error, BadRequest | Unreachable)
    assert "answered 407" in str(error)
    assert strict.refused == 1, "it is not asked again"


@pytest.mark.fault(
    "network", "PX3", "The proxy is down", "The stream ends as incomplete; the message says that it is the proxy."
)
@pytest.mark.parametrize("by", ["configuration", "environment"])
def test_a_proxy_that_is_down(
    tool: Tool, plain: Tool, strict: Proxy, authority: Authority, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    strict.stop()
    settings = {"ca_file": authority.file}
    if by == "environment":
        monkeypatch.setenv("HTTPS_PROXY", logged_in(strict))
        assert get(plain.url) == GOOD, "this machine is reached without it"
    else:
        settings["proxy"] = strict.url
        assert "the proxy can't be reached" in reason(refusal(plain.url, proxy=strict.url))
    error = refusal(tool.url, **settings)
    assert isinstance(error, Unreachable)
    assert PASSWORD not in f"{error} {reason(error)}"
    assert "the proxy can't be reached: check network.proxy, or HTTPS_PROXY" in reason(error)


@pytest.mark.fault(
    "network",
    "PX4",
    "The proxy does not let the tool's address through, or is none",
    "The message gives the proxy's own status.",
)
def test_a_proxy_that_opens_no_tunnel(tool: Tool, plain: Tool, proxy: Proxy, authority: Authority) -> None:
    with Tool(tls=serving(authority.issue("gone"))) as gone:
        nowhere = gone.url
    assert "the proxy answers 502" in reason(refusal(nowhere, ca_file=authority.file, proxy=proxy.url))
    assert "the proxy answers 501" in reason(refusal(tool.url, ca_file=authority.file, proxy=plain.url))
    swapped = proxy.url.replace("http:", "https:")
    assert "the proxy speaks no TLS: write http://" in reason(refusal(tool.url, ca_file=authority.file, proxy=swapped))


@pytest.mark.parametrize(
    "address", ["socks5://127.0.0.1:9", f"http://u:{PASSWORD}@127.0.0.1:x", f"http://u:{PASSWORD}#@h"]
)
def test_an_environments_proxy_that_is_no_address(
    tool: Tool, authority: Authority, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", address)
    with pytest.raises(
        SourceError, match=r"HTTPS_PROXY or ALL_PROXY.*is no address of an http proxy: write it"
    ) as found:
        get(tool.url, ca_file=authority.file)
    assert PASSWORD not in str(found.value)
