"""How a source is reached: a private CA, a client certificate, a proxy.

What stands here wins. Otherwise the machine's own settings hold, as operators expect them to: ``HTTPS_PROXY``,
``HTTP_PROXY``, ``NO_PROXY``, ``REQUESTS_CA_BUNDLE``. A ``.netrc`` is never read: it would log in as somebody else.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Self

import requests
from pydantic import BaseModel, ConfigDict, field_validator, model_validator
from requests.auth import AuthBase

from connectors.errors import Unreachable
from connectors.http import Transport, session


class NetworkSettings(BaseModel):
    """The table ``network`` of a source. Files are PEM; relative paths are relative to the configuration file.

    ``certificate`` may hold the key as well. The key must have no passphrase: nobody is there at night to type it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    ca_file: Path | None = None
    certificate: Path | None = None
    certificate_key: Path | None = None
    proxy: str | None = None

    @field_validator("proxy")
    @classmethod
    def _is_plain(cls, proxy: str | None) -> str | None:
        if proxy is not None and not proxy.startswith(("http://", "https://")):
            raise ValueError("must look like http://proxy.example.com:3128")
        if proxy is not None and "@" in proxy:
            raise ValueError("may not hold a log-in: leave it out and set HTTPS_PROXY in the environment")
        return proxy

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
            Unreachable: a named file can't be read.
            InsecureUrl: plain http to another machine.
        """
        for name in ("ca_file", "certificate", "certificate_key"):
            _require_readable(name, getattr(self, name))
        bundle = self.ca_file or os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
        made = session(
            transport,
            url,
            auth=auth or _Nobody(),
            verify=Path(bundle) if bundle else True,
            cert=self._certificate(),
            proxies={"http": self.proxy, "https": self.proxy} if self.proxy else _environment(url),
        )
        # requests would put the environment's proxy and bundle above those of the session
        made.trust_env = False
        return made

    def _certificate(self) -> tuple[str, str] | str | None:
        if self.certificate is None:
            return None
        return (str(self.certificate), str(self.certificate_key)) if self.certificate_key else str(self.certificate)


class _Nobody(AuthBase):
    """No log-in; requests would look into a ``.netrc`` where there is none."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


def _environment(url: str) -> dict[str, str]:
    return dict(requests.utils.get_environ_proxies(url, no_proxy=None))


def _require_readable(name: str, path: Path | None) -> None:
    if path is None:
        return
    try:
        path.open("rb").close()
    except OSError as error:
        raise Unreachable(f"network.{name}: {path} can't be read ({error.strerror})", "correct the path") from error
