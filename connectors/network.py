"""How a source is reached: a private CA, a client certificate, a proxy.

What stands here wins, over ``NO_PROXY`` as well. Where nothing does, the machine's own settings hold, as operators
expect of a server: ``HTTPS_PROXY``, ``ALL_PROXY``, ``NO_PROXY``, ``REQUESTS_CA_BUNDLE``, ``CURL_CA_BUNDLE``. Two are
never followed: a ``.netrc``, which would log in as somebody else, and an environment's proxy for plain http, which is
for this machine only.
"""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import requests
from pydantic import BaseModel, ConfigDict, field_validator, model_validator
from requests.auth import AuthBase

from connectors.errors import SourceError, Unreachable
from connectors.http import Transport, require_secure, session

_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class NetworkSettings(BaseModel):
    """The table ``network`` of a source. Files are PEM; relative paths are relative to the configuration file.

    ``certificate`` may hold the key as well. The key must have no passphrase: nobody is there at night to type it.
    A proxy's user and password may not stand here: ``HTTPS_PROXY`` in the environment takes them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    ca_file: Path | None = None
    certificate: Path | None = None
    certificate_key: Path | None = None
    proxy: str | None = None

    @field_validator("proxy")
    @classmethod
    def _is_plain(cls, proxy: str | None) -> str | None:
        if proxy is None:
            return None
        if "@" in proxy:
            raise ValueError(
                "may not hold a log-in: leave proxy out, and set HTTPS_PROXY in the environment to all of it"
            )
        if not _is_address(proxy):
            raise ValueError("must look like http://proxy.example.com:3128")
        return proxy.rstrip("/")

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        if self.certificate_key is not None and self.certificate is None:
            raise ValueError("certificate_key needs certificate")
        return self

    def relative_to(self, folder: Path) -> NetworkSettings:
        """The same with relative paths made absolute."""
        files = {name: getattr(self, name) for name in ("ca_file", "certificate", "certificate_key")}
        return self.model_copy(update={name: folder / path for name, path in files.items() if path is not None})

    def session(self, transport: Transport, url: str, *, auth: AuthBase | None = None) -> requests.Session:
        """A session on the transport.

        Raises:
            Unreachable: a named file can't be read or does not hold what it should, or the proxy's address is none.
            InsecureUrl: plain http to another machine.
        """
        require_secure(url)
        made = session(
            transport,
            url,
            auth=auth or _Nobody(),
            verify=self._bundle() or True,
            cert=self._certificate(),
            proxies=_configured(self.proxy) if self.proxy else _environment(url),
        )
        # requests would put the environment's proxy above the session's, and read a .netrc where there is no log-in
        made.trust_env = False
        return made

    def _bundle(self) -> Path | None:
        """The certificates to trust instead of those that come with Python."""
        if self.ca_file is not None:
            _require_readable("network.ca_file", self.ca_file)
            _require_certificates("network.ca_file", self.ca_file)
            return self.ca_file
        name = next((name for name in _BUNDLES if os.environ.get(name)), None)
        if name is None:
            return None
        bundle = Path(os.environ[name])
        if not bundle.is_dir():
            _require_readable(name, bundle)
            _require_certificates(name, bundle)
        return bundle

    def _certificate(self) -> tuple[str, str] | str | None:
        """The client certificate, proved to fit its key now rather than in the first request."""
        if self.certificate is None:
            return None
        _require_readable("network.certificate", self.certificate)
        if self.certificate_key is not None:
            _require_readable("network.certificate_key", self.certificate_key)
        _require_pair(self.certificate, self.certificate_key)
        return (str(self.certificate), str(self.certificate_key)) if self.certificate_key else str(self.certificate)


class _Nobody(AuthBase):
    """No log-in, said so that nobody looks for one elsewhere."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class _PassphraseError(Exception):
    """OpenSSL asks for a passphrase; without this it would ask on the terminal, and wait."""


def _passphrase() -> str:
    raise _PassphraseError


def _is_address(proxy: str) -> bool:
    """Whether it is scheme, log-in, host and port, and nothing else."""
    try:
        parts = urlsplit(proxy)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    rest = parts.path.rstrip("/") or parts.query or parts.fragment
    return parts.scheme in ("http", "https") and bool(host) and not rest and not any(c.isspace() for c in proxy)


def _configured(proxy: str) -> dict[str, str]:
    # the certificate of an https proxy is verified for https requests only
    return {"https": proxy} if proxy.startswith("https:") else {"https": proxy, "http": proxy}


def _environment(url: str) -> dict[str, str]:
    if urlsplit(url).scheme.lower() == "http":  # to this machine, or it would have been refused
        return {}
    proxy = requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url, no_proxy=None))
    if not proxy:
        return {}
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    if not _is_address(proxy):
        raise Unreachable(
            "the environment's proxy (HTTPS_PROXY or ALL_PROXY) is no address of an http proxy",
            "write it as http://user:password@host:port, with special characters percent-encoded",
        )
    return {"https": proxy}


def _require_readable(name: str, path: Path) -> None:
    try:
        path.open("rb").close()
    except OSError as error:
        raise Unreachable(f"{name}: {path} can't be read ({error.strerror})", "correct the path") from error


def _require_certificates(name: str, path: Path) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError as error:
        raise Unreachable(f"{name}: {path} holds no certificate in PEM form", "name the CA's certificate") from error


def _require_pair(certificate: Path, key: Path | None) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, _passphrase)
    except _PassphraseError as error:
        raise _unfit(
            f"the key in {key or certificate} has a passphrase", "store it without one, readable by its user only"
        ) from error
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise _unfit(
                f"the key in {key or certificate} is not that of {certificate}", "name the two that belong together"
            ) from error
        place = f"{certificate} and {key}" if key else f"{certificate}"
        raise _unfit(
            f"{place} hold no certificate with its key, in PEM form", "name the key in network.certificate_key"
        ) from error


def _unfit(message: str, next_step: str) -> SourceError:
    return Unreachable(f"network.certificate: {message}", next_step)
