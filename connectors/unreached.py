"""Why there was no connection, read out of what the library raises: name, network, proxy, or which side of TLS.

The library's own texts hold addresses with their query, and a proxy's with its log-in: they are looked at, never shown.
"""

from __future__ import annotations

import re

import requests
import urllib3

from connectors.errors import BrokenAnswer, SourceError, Unreachable

_PROXY = "network.proxy, or HTTPS_PROXY in the environment"
_OPERATOR = "ask the tool's operator for a new one"

_VERIFICATION = (
    ("certificate has expired", "the TLS certificate has expired", _OPERATOR),
    ("certificate is not yet valid", "the TLS certificate is not valid yet", "see that this machine's clock is right"),
    (
        "mismatch, certificate is not valid for",
        "the TLS certificate is made out to another host",
        "write the url with the host that it names",
    ),
    (
        "",
        "the TLS certificate is not accepted",
        "check the url, or give the private CA as network.ca_file",
    ),
)
"""What OpenSSL says of a certificate that it does not accept; the last one for all the rest."""

_ALERTS = (
    ("alert certificate required", "asks for a client certificate", "give it as network.certificate"),
    (
        "alert (unknown ca|bad certificate|certificate expired|certificate revoked|certificate unknown|access denied)",
        "does not accept the client certificate",
        "renew network.certificate, or have its CA accepted there",
    ),
)
"""What the other side says when it ends a handshake."""


def unreached(error: requests.exceptions.ConnectionError, where: str) -> SourceError:
    """The error of a connection that did not come about or broke; ``where`` is what may be shown of its address."""
    if isinstance(error, requests.exceptions.ProxyError):
        return _proxy(str(error), where)
    if isinstance(error, requests.exceptions.SSLError):
        return _tls(str(error), where)
    if error.args and isinstance(error.args[0], urllib3.exceptions.ProtocolError):
        return BrokenAnswer(f"{where} broke the connection off or does not speak HTTP", "check the url and the proxy")
    return Unreachable(f"{where} can't be reached", "check the url, DNS, proxy and firewall")


def _tls(text: str, where: str) -> SourceError:
    if "CERTIFICATE_VERIFY_FAILED" in text:
        what, step = next((what, step) for word, what, step in _VERIFICATION if word in text)
        return _final(Unreachable(f"{where}: {what}", step))
    for pattern, what, step in _ALERTS:
        if re.search(pattern, text):
            return _final(Unreachable(f"{where} {what}", step))
    return Unreachable(f"{where}: no TLS connection", "check the url, its port, and the client certificate")


def _proxy(text: str, where: str) -> SourceError:
    if answered := re.search(r"Tunnel connection failed: (\d{3})", text):
        status = answered.group(1)
        if status == "407":
            # final: a wrong password that is tried again and again locks the account
            return _final(
                Unreachable(
                    f"{where}: the proxy asks for a log-in, or refuses it",
                    "set HTTPS_PROXY=http://user:password@host:port in the environment, and leave network.proxy out",
                )
            )
        return Unreachable(
            f"{where}: the proxy answers {status}", "ask the proxy's operator to let this address through"
        )
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return _final(
            Unreachable(f"{where}: the proxy's TLS certificate is not accepted", "give its CA as network.ca_file")
        )
    if "only use HTTP and not HTTPS" in text:
        return _final(Unreachable(f"{where}: the proxy speaks no TLS", f"write http:// in {_PROXY}"))
    return Unreachable(f"{where}: the proxy can't be reached", f"check {_PROXY}")


def _final(error: SourceError) -> SourceError:
    error.is_final = True
    return error
