"""A night over https with a private CA, a client certificate and a proxy: the settings reach every session of a connector.

A connector opens several sessions (log-in, concurrent readers, Assets); one that forgot the settings would fail here.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from connectors import installed, sample
from connectors.loopback import Server
from pipelines.configuration import load, prefix
from pipelines.night import Night, StreamResult
from pipelines.reading import findings
from tests.connectors.network.authority import Authority, Pair, serving
from tests.connectors.network.proxy import Proxy

ORGANIZATION = sample.generate(11, 0.02)
NOW = ORGANIZATION.as_of
READ = {"servicenow": {"incident", "sys_audit", "sys_user"}, "jira": {"issue", "changelog", "asset_object", "project"}}


@dataclass
class Place:
    """A tool behind a strict proxy, and the folder of the configuration that reads it."""

    kind: str
    source: Any
    url: str
    folder: Path
    proxy: Proxy
    client: Pair
    authority: Authority

    def night(self, **network: str | Path) -> list[StreamResult]:
        """One read of the source with these network settings."""
        with Night(load(self._written(network)), environ=self._environ, clock=lambda: NOW) as night:
            return list(night.read_source("one"))

    def check(self, **network: str | Path) -> str:
        """What `check` says when something is wrong."""
        return "\n".join(f.message for _, f in findings(load(self._written(network)), self._environ) if not f.is_ok)

    @property
    def network(self) -> dict[str, str | Path]:
        """All that is needed to get through."""
        own = {"ca_file": self.authority.file, "proxy": self.proxy.url}
        return own | {"certificate": self.client.certificate, "certificate_key": self.client.key}

    @property
    def _environ(self) -> dict[str, str]:
        return {f"{prefix('one')}_{name.upper()}": value for name, value in self.source.secrets.items()}

    def _written(self, network: dict[str, str | Path]) -> Path:
        settings = json.loads(json.dumps(self.source.settings).replace(self.source.simulator.url, self.url))
        settings["skip"] = sorted({stream.name for stream in installed()[self.kind].STREAMS} - READ[self.kind])
        path = self.folder / "sms-evidence.toml"
        parts = ['[organization]\nname = "X"\ntime_zone = "UTC"\n[sources.one]']
        parts += [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
        parts += ["[sources.one.patience]\nattempts = 1\n[sources.one.network]"]
        parts += [f"{name} = {json.dumps(str(value))}" for name, value in network.items()]
        path.write_text("\n".join(parts))
        return path


@pytest.fixture(params=sorted(READ))
def place(request: pytest.FixtureRequest, tmp_path: Path, authority: Authority, stranger: Authority) -> Iterator[Place]:
    stand_in = importlib.import_module(f"connectors.{request.param}.stand_in").stand_in(ORGANIZATION, NOW)
    context = serving(authority.issue("itsm"), clients=stranger)
    with stand_in as source, Proxy() as proxy:
        server = Server(source.simulator.answer, tls=context)
        server.start()
        client = stranger.issue("evidence", hosts=())
        yield Place(request.param, source, server.url, tmp_path, proxy, client, authority)
        server.stop()


def test_a_night_through_all_of_it(place: Place) -> None:
    results = place.night(**place.network)
    assert {result.status for result in results} == {"complete", "skipped"}
    assert sum(result.fetched for result in results) > 50
    assert set(place.proxy.tunnels) == {place.url.removeprefix("https://")}
    heard = "\n".join(place.proxy.heard)
    assert all(secret not in heard for secret in place.source.secrets.values())
    assert "Authorization" not in heard


@pytest.mark.fault(
    "network",
    "NET2",
    "The private CA or the client certificate is not configured",
    "Nothing is read; every stream is incomplete, and `check` says the same.",
)
@pytest.mark.parametrize("missing", ["ca_file", "certificate"])
def test_a_night_without_a_part_of_it(place: Place, missing: str) -> None:
    network = {name: value for name, value in place.network.items() if not name.startswith(missing)}
    results = [result for result in place.night(**network) if result.status != "skipped"]
    assert {result.status for result in results} == {"incomplete"}
    assert place.source.simulator.log == []
    said = place.check(**network)
    for text in (said, *(str(result.error) for result in results)):
        assert {"ca_file": "the private CA", "certificate": "client certificate"}[missing] in text
        assert all(secret not in text for secret in place.source.secrets.values())
