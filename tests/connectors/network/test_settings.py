"""The table ``network`` of a source: what it takes, what it refuses, and what of the machine it does not let in."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from pydantic import ValidationError

from connectors.http import InsecureUrl, Transport
from connectors.network import NetworkSettings
from pipelines.configuration import ConfigurationError, load
from tests.connectors.network.tool import GOOD, SECRET, Tool, get


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"certificate_key": "k.pem"}, "certificate_key needs certificate"),
        ({"proxy": "proxy.example.com:3128"}, "must look like"),
        ({"proxy": "socks5://proxy.example.com"}, "must look like"),
        ({"proxy": "http://"}, "must look like"),
        ({"proxy": "http://proxy.example.com:port"}, "must look like"),
        ({"proxy": "http://proxy.example.com/path"}, "must look like"),
        ({"proxy": "http://proxy.example.com:3128 "}, "must look like"),
        (
            {"proxy": "http://user:p4ss@proxy.example.com"},
            "may not hold a log-in: leave proxy out, and set HTTPS_PROXY",
        ),
        ({"verify": False}, "Extra inputs"),
    ],
)
def test_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words) as found:
        NetworkSettings.model_validate(settings)
    assert "p4ss" not in str(found.value)


@pytest.mark.parametrize("proxy", ["http://proxy.example.com:3128", "https://10.0.0.1", "http://[::1]:8080/"])
def test_accepted(proxy: str) -> None:
    assert NetworkSettings(proxy=proxy).proxy == proxy.rstrip("/")


def test_paths_are_relative_to_the_configuration_file() -> None:
    settings = NetworkSettings(ca_file=Path("ca.pem"), certificate=Path("/etc/tls/me.pem"), proxy="http://p:1")
    placed = settings.relative_to(Path("/etc/sms"))
    assert (placed.ca_file, placed.certificate, placed.certificate_key) == (
        Path("/etc/sms/ca.pem"),
        Path("/etc/tls/me.pem"),
        None,
    )
    assert placed.proxy == "http://p:1"


@pytest.mark.parametrize("kind", ["servicenow", "jira"])
def test_a_proxys_password_in_the_file_is_refused_and_not_repeated(tmp_path: Path, kind: str) -> None:
    more = 'projects = ["OPS"]\n' if kind == "jira" else ""
    file = tmp_path / "sms-evidence.toml"
    file.write_text(
        f'[organization]\nname = "X"\ntime_zone = "UTC"\n[sources.one]\nconnector = "{kind}"\n'
        f'url = "https://x.example.com"\n{more}[sources.one.network]\nproxy = "http://user:p4ss@proxy:3128"\n'
    )
    with pytest.raises(ConfigurationError, match=r"sources.one.network.proxy: may not hold a log-in") as found:
        load(file, {})
    assert "p4ss" not in str(found.value)


@pytest.mark.parametrize("kind", ["servicenow", "jira"])
def test_a_configuration_files_paths_are_below_its_folder(tmp_path: Path, kind: str) -> None:
    more = 'projects = ["OPS"]\n' if kind == "jira" else ""
    file = tmp_path / "sms-evidence.toml"
    file.write_text(
        f'[organization]\nname = "X"\ntime_zone = "UTC"\n[sources.one]\nconnector = "{kind}"\n'
        f'url = "https://x.example.com"\n{more}[sources.one.network]\nca_file = "tls/ca.pem"\n'
    )
    assert load(file, {}).sources["one"].network.ca_file == tmp_path / "tls" / "ca.pem"  # type: ignore[attr-defined]


@pytest.mark.fault(
    "network",
    "NET1",
    "A .netrc on the machine has a log-in for the tool's host",
    "Never used: neither instead of the configured log-in, nor where there is none.",
)
def test_a_netrc_is_never_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\ndefault login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    with Tool() as tool:
        assert get(tool.url) == GOOD
        assert get(tool.url, auth=None) == GOOD
        own, none = (headers.get("Authorization") for headers in tool.seen)
    assert own == "Basic " + base64.b64encode(f"reader:{SECRET}".encode()).decode()
    assert none is None


def test_plain_http_to_another_machine_is_refused_whatever_the_proxy() -> None:
    with pytest.raises(InsecureUrl):
        NetworkSettings(proxy="http://127.0.0.1:1").session(Transport(), "http://itsm.example.com")
