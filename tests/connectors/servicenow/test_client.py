"""One request: every parameter on the wire, answers that look good and are not, the four ways to log in, and the few
ways of pysnow that we rely on (one test fails when those change).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pysnow
import pytest
import requests
from pydantic import SecretStr, ValidationError
from requests.auth import HTTPBasicAuth

from connectors import Finding, sample
from connectors.http import BrokenAnswer, Forbidden, Inconsistent, NotAuthenticated
from connectors.servicenow import ROLES, STREAMS, Settings, connect
from connectors.servicenow.client import decode
from connectors.servicenow.credentials import credentials
from connectors.servicenow.instance import ServiceNow
from connectors.servicenow.rendering import rows
from connectors.servicenow.settings import SECRETS as SECRETS_OF
from connectors.servicenow.simulator import Simulator
from connectors.servicenow.simulator.faults import Fault
from connectors.servicenow.streams import OPTIONAL

NOW = datetime(2026, 11, 1, 2, 30, tzinfo=UTC)
SECRETS = {
    name: SecretStr(value)
    for name, value in {
        "username": "evidence",
        "password": "demo-only",
        "token": "demo-only",
        "client_id": "evidence-client",
        "client_secret": "demo-only",
    }.items()
}
KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def tables() -> dict[str, list[dict[str, str]]]:
    return rows(sample.generate(scale=0.05), NOW)


@pytest.fixture
def simulator(tables: dict[str, list[dict[str, str]]]) -> Iterator[Simulator]:
    with Simulator(tables, now=NOW) as running:
        yield running


def settings(url: str, **values: Any) -> Settings:
    return Settings.model_validate({"connector": "servicenow", "url": url, "patience": {"attempts": 1}} | values)


def instance(simulator: Simulator, secrets: dict[str, SecretStr] = SECRETS, **values: Any) -> ServiceNow:
    return ServiceNow("snow-prod", settings(simulator.url, **values), secrets)


def test_what_we_rely_on_in_pysnow(simulator: Simulator) -> None:
    """A release that changes one of these needs a new look at all of client.py."""
    own = requests.Session()
    own.auth = HTTPBasicAuth("evidence", "demo-only")
    snow = pysnow.Client(host=f"{simulator.url.removeprefix('http://')}/prefix", use_ssl=False, session=own)
    assert snow.session is own, "our session, with our adapter, is used"
    assert own.auth == HTTPBasicAuth("evidence", "demo-only")
    assert snow.base_url == f"{simulator.url}/prefix", "port and path of the host are kept"
    first, second = snow.resource(api_path="/table/incident"), snow.resource(api_path="/table/incident")
    first.parameters.add_custom({"sysparm_limit": "7"})
    assert second.parameters.custom_params == {}, "a new Resource carries nothing over"
    snow = pysnow.Client(host=simulator.url.removeprefix("http://"), use_ssl=False, session=own)
    resource = snow.resource(api_path="/table/incident")
    resource.parameters.add_custom({"sysparm_limit": "7", "sysparm_display_value": "false"})
    resource.get(query="ORDERBYsys_id", limit=3)
    assert len(simulator.log) == 1, "one request for each get"
    assert simulator.log[0].path == "/api/now/table/incident"
    assert simulator.log[0].params == {
        "sysparm_query": "ORDERBYsys_id",
        "sysparm_limit": "7",
        "sysparm_offset": "0",
        "sysparm_display_value": "false",
        "sysparm_suppress_pagination_header": "False",
        "sysparm_exclude_reference_link": "False",
        "sysparm_view": "",
        "sysparm_fields": "",
    }, "custom parameters win over the library's own"
    snow.close()


def test_every_parameter_is_sent_by_name(simulator: Simulator) -> None:
    connector = instance(simulator)
    connector.open()
    connector.client.page("incident", "active=true^ORDERBYsys_id", ["sys_id", "number"], 5)
    connector.close()
    for request in simulator.log:
        assert request.params["sysparm_display_value"] == "false"
        assert request.params["sysparm_exclude_reference_link"] == "true"
        assert request.params["sysparm_suppress_pagination_header"] == "true"
        assert request.params["sysparm_no_count"] == "false"
        assert "ORDERBY" in request.params["sysparm_query"]
    sent = simulator.log[1].params
    assert (sent["sysparm_query"], sent["sysparm_fields"], sent["sysparm_limit"]) == (
        "active=true^ORDERBYsys_id",
        "sys_id,number",
        "5",
    )


@pytest.mark.parametrize(
    "body",
    [
        '{"result":[{"sys_id":"%s"}],"error":{"message":"Transaction cancelled","detail":null},"status":"failure"}',
        '{"result":[],"error":{"message":"Transaction cancelled"}}',
        '{"result":[],"error":"Transaction cancelled"}',
        '{"result":[],"status":"failure"}',
        '{"error":{"message":"x","detail":"y"},"status":"failure"}',
        '{"result":[{"sys_id":"%s"},"Transaction cancelled: maximum execution time exceeded"]}',
        '{"result":[{"sys_id":"%s"},"error":{"message":"x"}],"status":"failure"}',
        '{"result":[{"sys_id":"%s"}]',
        '{"result":[{"sys_id":"%s"}]}{"result":[]}',
        '{"result":[{"number":"INC1"}]}',
        '{"result":[{"sys_id":""}]}',
        '{"result":[{"sys_id":"%s0"}]}',
        '{"result":{"sys_id":"%s"}}',
        '{"result":null}',
        "[]",
        "",
    ],
)
def test_what_is_no_whole_page_is_refused(body: str) -> None:
    with pytest.raises(BrokenAnswer):
        decode(body.replace("%s", KEY).encode())


def test_bytes_that_are_no_utf8_are_refused() -> None:
    with pytest.raises(BrokenAnswer):
        decode(b'{"result":[{"sys_id":"' + KEY.encode() + b'","name":"\xff"}],"status":"\xff"}')


def test_a_record_is_sliced_and_never_written_anew() -> None:
    """Numbers, order, spaces, escapes and doubled names stay as they came."""
    record = f'{{ "sys_id":"{KEY}", "a": 1E5, "b":0.10, "b":12345678901234567890123, "c":"\\u00e9\\/" }}'.encode()
    assert decode(b'{"result":[' + record + b" , " + record + b"]}")[1] == [record, record]


@pytest.mark.parametrize("auth", ["basic", "oauth_client_credentials", "oauth_password", "api_key"])
def test_every_way_to_log_in(simulator: Simulator, auth: str) -> None:
    connector = instance(simulator, auth=auth)
    identity = connector.open()
    assert (identity.account, identity.server_time) == ("evidence", NOW)
    connector.close()


def test_a_way_to_log_in_without_secrets_sends_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client certificate of the connection is enough; a ~/.netrc is not looked into."""
    monkeypatch.setitem(SECRETS_OF, "certificate", ())
    alone = settings("https://x.example").model_copy(update={"auth": "certificate"})
    request = requests.Request("GET", "https://x.example", auth=credentials("snow", alone, {})()).prepare()
    assert "Authorization" not in request.headers


def test_an_expired_token_is_fetched_anew_once(simulator: Simulator) -> None:
    connector = instance(simulator, auth="oauth_client_credentials")
    connector.open()
    simulator.expire_tokens()
    assert connector.client.count("incident", "") > 0
    assert [request.path for request in simulator.log].count("/oauth_token.do") == 2
    simulator.fail(Fault.UNAUTHENTICATED, times=9, table="incident")
    with pytest.raises(NotAuthenticated):
        connector.client.count("incident", "")
    connector.close()


@pytest.mark.parametrize(
    ("auth", "wrong"),
    [
        ("basic", "password"),
        ("oauth_client_credentials", "client_secret"),
        ("oauth_password", "password"),
        ("api_key", "token"),
    ],
)
def test_a_wrong_secret_is_told_without_the_secret(simulator: Simulator, auth: str, wrong: str) -> None:
    connector = instance(simulator, SECRETS | {wrong: SecretStr("not-this-one")}, auth=auth)
    with pytest.raises(NotAuthenticated) as caught:
        connector.open()
    assert "not-this-one" not in str(caught.value)
    assert len(simulator.log) == 1, "a second try would lock the account sooner"


def test_a_missing_secret_is_named_by_its_variable(simulator: Simulator) -> None:
    with pytest.raises(NotAuthenticated, match="SMS_EVIDENCE_SNOW_PROD_PASSWORD"):
        instance(simulator, {"username": SecretStr("evidence")}).open()


def test_letters_beyond_ascii_in_a_password(tables: dict[str, list[dict[str, str]]]) -> None:
    with Simulator(tables, now=NOW, password="gehäim€") as simulator:
        instance(simulator, SECRETS | {"password": SecretStr("gehäim€")}).open()


def test_an_account_that_can_not_see_itself(simulator: Simulator) -> None:
    simulator.forbid("sys_user")
    with pytest.raises(Forbidden):
        instance(simulator).open()
    simulator.allow("sys_user")
    own = instance(simulator)
    own.open()
    me = own.client.page("sys_user", "user_name=evidence^ORDERBYsys_id", ["sys_id"], 1).rows[0].sys_id
    simulator.hide("sys_user", me)
    with pytest.raises(Forbidden, match="own row of sys_user"):
        instance(simulator).open()


def test_the_session_must_end_as_who_it_began(simulator: Simulator) -> None:
    connector = instance(simulator)
    connector.open()
    me = connector.client.page("sys_user", "user_name=evidence^ORDERBYsys_id", ["sys_id"], 1).rows[0].sys_id
    simulator.put("sys_user", [{"sys_id": me, "user_name": "somebody.else"}])
    with pytest.raises(Inconsistent, match=r"began as evidence and ended as somebody\.else"):
        connector.close()


def findings(connector: ServiceNow) -> dict[str, Finding]:
    return {finding.subject: finding for finding in connector.check()}


def test_check_counts_every_stream_and_names_what_is_missing(
    simulator: Simulator, tables: dict[str, list[dict[str, str]]]
) -> None:
    good = findings(instance(simulator))
    assert all(finding.is_ok for finding in good.values())
    read = {stream.name for stream in STREAMS if stream.name not in OPTIONAL}
    assert set(good) >= {"log-in", "clock", *read}
    assert {name for name in good if name in OPTIONAL} == set(), "optional tables that are empty are not offered"
    assert good["incident"].count == len(tables["incident"])
    simulator.forbid("change_request")
    simulator.withhold("problem", "workaround")
    for row in tables["task_sla"]:
        simulator.hide("task_sla", row["sys_id"])
    for row in tables["sys_audit"]:
        simulator.hide("sys_audit", row["sys_id"])
    simulator.absent("cmdb_ci_outage")
    bad = findings(instance(simulator, skip=["sys_choice"]))
    assert {name for name, finding in bad.items() if not finding.is_ok} == {
        "change_request",
        "task_sla",
        "sys_audit",
        "cmdb_ci_outage",
    }
    assert "role itil (or sn_change_read)" in bad["change_request"].message
    assert "shows none" in bad["task_sla"].message
    assert "ACL on sys_audit" in bad["sys_audit"].message
    assert "skip" in bad["cmdb_ci_outage"].message
    assert bad["problem"].message == "readable; fields not shown: workaround"
    assert "sys_choice" not in bad


def test_check_tells_a_refused_log_in(simulator: Simulator) -> None:
    (only,) = instance(simulator, SECRETS | {"password": SecretStr("no")}).check()
    assert (only.subject, only.is_ok) == ("log-in", False)


def test_connect_gives_a_connector_that_has_opened_nothing(simulator: Simulator) -> None:
    connector = connect("snow-prod", settings(simulator.url, skip=["sys_audit"]), SECRETS)
    assert (connector.source, connector.kind, connector.url) == ("snow-prod", "servicenow", simulator.url)
    assert connector.skipped() == {"sys_audit": "left out by the configuration"}
    assert "sys_audit" not in [stream.name for stream in connector.streams()]
    assert simulator.log == []
    assert "sys_audit" in ROLES
    connector.close()


def test_streams_come_after_those_they_follow() -> None:
    seen: set[str] = set()
    for stream in STREAMS:
        assert set(stream.follows) <= seen
        assert "sys_id" in stream.columns
        assert all(name == column.path for name, column in stream.columns.items())
        seen.add(stream.name)


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ftp://x"},
        {"url": "https://user:word@x.example"},
        {"url": "https://x.example?y=1"},
        {"auth": "magic"},
        {"page_size": 0},
        {"page_size": 10_001},
        {"skip": ["incidents"]},
        {"query": {"incidents": "active=true"}},
        {"query": {"incident": "active=true^ORDERBYnumber"}},
        {"query": {"incident": "opened_at>javascript:gs.daysAgo(3)"}},
        {"query": {"incident": "active=true^NQactive=false"}},
        {"query": {"incident": "^ORactive=false"}},
        {"query": {"incident": ""}},
        {"audit_fields": ["state^ORfieldname=x"]},
        {"pagesize": 100},
        {"patience": {"attempts": 0}},
    ],
)
def test_settings_refuse(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({"connector": "servicenow", "url": "https://x.example"} | wrong)


def test_the_window_lags_behind_the_servers_clock(simulator: Simulator) -> None:
    """The instance's clock counts, not this machine's."""
    simulator.advance(NOW + timedelta(days=900))
    assert instance(simulator).open().server_time == NOW + timedelta(days=900)
