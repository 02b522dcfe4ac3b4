"""TLS with a private CA: who is believed, who is not, and that the refusal names the one thing to set right.

Nothing is ever sent to a tool whose certificate is not accepted, and no certificate is asked for twice.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.http import Unreachable
from tests.connectors.network.authority import Authority, serving
from tests.connectors.network.tool import GOOD, Tool, get, reason, refusal


@pytest.fixture(scope="module")
def tool(authority: Authority) -> Tool:
    """A tool with a certificate of the private CA."""
    with Tool(tls=serving(authority.issue("tool"))) as running:
        yield running


@pytest.mark.fault(
    "network",
    "TLS1",
    "The tool's certificate is of a private CA",
    "Accepted with network.ca_file; without it nothing is sent, and the message names the setting.",
)
def test_a_private_ca_is_accepted_where_it_is_named_and_refused_where_not(
    tool: Tool, authority: Authority, stranger: Authority
) -> None:
    assert get(tool.url, ca_file=authority.file) == GOOD
    heard = len(tool.seen)
    for error in (refusal(tool.url), refusal(tool.url, ca_file=stranger.file)):
        assert isinstance(error, Unreachable)
        assert error.is_final
        assert "give the private CA as network.ca_file" in reason(error)
    assert len(tool.seen) == heard


@pytest.mark.fault(
    "network", "TLS2", "The certificate names another host", "Nothing is sent; the message says to correct the url."
)
@pytest.mark.parametrize("hosts", [("itsm.example.com",), ("192.0.2.1",)])
def test_a_certificate_of_another_host(authority: Authority, hosts: tuple[str, ...]) -> None:
    with Tool(tls=serving(authority.issue("elsewhere", hosts=hosts))) as tool:
        for url in (tool.url, tool.url.replace("127.0.0.1", "localhost")):
            error = refusal(url, ca_file=authority.file)
            assert error.is_final
            assert "made out to another host: write the url with the host that it names" in reason(error)
        assert tool.seen == []


@pytest.mark.fault(
    "network", "TLS3", "The tool's certificate has expired", "Nothing is sent; the message says who can renew it."
)
def test_an_expired_certificate(authority: Authority) -> None:
    with Tool(tls=serving(authority.issue("expired", expired_for=3))) as tool:
        error = refusal(tool.url, ca_file=authority.file)
        assert error.is_final
        assert "has expired: ask the tool's operator for a new one" in reason(error)
        assert tool.seen == []


@pytest.mark.fault(
    "network",
    "TLS4",
    "The tool asks for a client certificate",
    "Given as network.certificate, with its key in the same file or in one of its own; without it the message says so.",
)
def test_a_client_certificate(authority: Authority, stranger: Authority) -> None:
    client = stranger.issue("reader", hosts=())
    with Tool(tls=serving(authority.issue("strict"), clients=stranger)) as tool:
        known = {"ca_file": authority.file}
        assert get(tool.url, **known, certificate=client.certificate, certificate_key=client.key) == GOOD
        assert get(tool.url, **known, certificate=client.both) == GOOD
        heard = len(tool.seen)
        error = refusal(tool.url, **known)
        assert isinstance(error, Unreachable)
        assert "asks for a client certificate: give it as network.certificate" in reason(error)
        assert len(tool.seen) == heard


@pytest.mark.fault(
    "network",
    "TLS5",
    "The client certificate has expired, or is of a CA that the tool does not know",
    "The message says that it is ours, not the tool's, that is not accepted.",
)
def test_a_client_certificate_that_the_tool_does_not_accept(authority: Authority, stranger: Authority) -> None:
    unknown = authority.issue("unknown", hosts=())
    expired = stranger.issue("over", hosts=(), expired_for=1)
    with Tool(tls=serving(authority.issue("picky"), clients=stranger)) as tool:
        for client in (unknown, expired):
            error = refusal(tool.url, ca_file=authority.file, certificate=client.both)
            assert isinstance(error, Unreachable)
            assert "does not accept the client certificate: renew network.certificate" in reason(error)


@pytest.mark.fault(
    "network",
    "TLS6",
    "A file of network is missing, is no PEM file, holds another certificate's key, or a key with a passphrase",
    "Found before anything is sent; the message names setting, file and fault, and nobody is asked on a terminal.",
)
def test_files_are_proved_before_anything_is_sent(tool: Tool, authority: Authority, tmp_path: Path) -> None:
    one, other = authority.issue("one", hosts=()), authority.issue("other", hosts=())
    locked = authority.issue("locked", hosts=(), passphrase=b"open-sesame")
    text = tmp_path / "notes.pem"
    text.write_text("not a certificate")
    known = {"ca_file": authority.file}
    heard = len(tool.seen)
    for settings, words in (
        ({"ca_file": tmp_path / "none.pem"}, "network.ca_file: .*none.pem can't be read .*: correct the path"),
        ({"ca_file": tmp_path}, "network.ca_file: .* can't be read"),
        ({"ca_file": text}, "network.ca_file: .*notes.pem holds no certificate"),
        (known | {"certificate": tmp_path / "none.pem"}, "network.certificate: .*none.pem can't be read"),
        (known | {"certificate": text}, "network.certificate: .*notes.pem hold"),
        (known | {"certificate": one.certificate}, "name the key in network.certificate_key"),
        (
            known | {"certificate": one.certificate, "certificate_key": tmp_path / "none.pem"},
            "network.certificate_key: .*none.pem can't be read",
        ),
        (known | {"certificate": one.certificate, "certificate_key": other.key}, "other-key.pem is not that of"),
        (known | {"certificate": locked.both}, "locked-both.pem has a passphrase: store it without one"),
        (known | {"certificate": locked.certificate, "certificate_key": locked.key}, "has a passphrase"),
    ):
        with pytest.raises(Unreachable, match=words):
            get(tool.url, **settings)
    assert len(tool.seen) == heard


def test_the_machines_bundle_holds_where_nothing_is_configured(
    tool: Tool, authority: Authority, stranger: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.file))
    assert get(tool.url) == GOOD
    assert "network.ca_file" in reason(refusal(tool.url, ca_file=stranger.file)), "what is configured wins"
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(stranger.file))
    assert get(tool.url, ca_file=authority.file) == GOOD
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    with pytest.raises(Unreachable, match=r"REQUESTS_CA_BUNDLE: .*none.pem can't be read"):
        get(tool.url)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    monkeypatch.setenv("CURL_CA_BUNDLE", str(authority.file))
    assert get(tool.url) == GOOD
