"""The configuration file and the environment: what is read from which, and that nothing wrong is passed over in silence.

A misspelt key, a target for no metric, a secret in the file or two sources that share a variable would each end as a
figure or a log-in that nobody asked for; each is refused with the file, the full key and what to write.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.configuration import Configuration, ConfigurationError, load, prefix, secrets

SNOW = """
[sources.snow-prod]
connector = "servicenow"
url = "https://example.service-now.com"
auth = "oauth_password"
skip = ["cmdb_ci_outage"]
"""
JIRA = """
[sources.jira-itsm]
connector = "jira"
url = "https://example.atlassian.net"
deployment = "cloud"
projects = ["OPS"]
"""
HEAD = """
[organization]
name = "Example"
time_zone = "Europe/Amsterdam"
"""
WHOLE = f"""
[organization]
name = "Example"
time_zone = "Europe/Amsterdam"
[store]
evidence = "data/e.duckdb"
warehouse = "/srv/w.duckdb"
[policy]
small_n = 5
observation_days = 14
[metrics.targets]
"SLM-01" = 97
"SLM-04.percent" = 1.5
{SNOW}
[sources.snow-prod.values."incident.state"]
"Neu" = "new"
"Password" = "in_progress"
{JIRA}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sms-evidence.toml"


def read(file: Path, text: str) -> Configuration:
    file.write_text(text, encoding="utf-8")
    return load(file, {})


def refused(file: Path, text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read(file, text)
    message = str(caught.value)
    assert message.startswith(f"{file}: ")
    assert "\n" not in message
    return message.removeprefix(f"{file}: ")


# Reading --------------------------------------------------------------------------------------------------------------


def test_a_whole_file(file: Path) -> None:
    found = read(file, WHOLE)
    assert (found.path, found.text) == (file, WHOLE)
    assert (found.organization.name, found.organization.time_zone) == ("Example", "Europe/Amsterdam")
    assert found.store.evidence == file.parent / "data/e.duckdb"
    assert found.store.warehouse == Path("/srv/w.duckdb")
    assert (found.small_n, found.observation_days) == (5, 14)
    assert found.targets == {"SLM-01": 97.0, "SLM-04.percent": 1.5}
    assert list(found.sources) == ["snow-prod", "jira-itsm"]
    snow, jira = (found.sources[name].model_dump() for name in found.sources)
    assert (snow["connector"], snow["auth"], snow["skip"]) == ("servicenow", "oauth_password", ["cmdb_ci_outage"])
    assert (jira["url"], jira["projects"]) == ("https://example.atlassian.net", ["OPS"])
    assert found.values == {
        "snow-prod": {"incident.state": {"Neu": "new", "Password": "in_progress"}},
        "jira-itsm": {},
    }


def test_what_is_left_out_has_its_default(file: Path) -> None:
    found = read(file, HEAD + JIRA)
    assert found.store.evidence == file.parent / "var/evidence.duckdb"
    assert found.store.warehouse == file.parent / "var/warehouse.duckdb"
    assert (found.small_n, found.observation_days, found.targets) == (20, 30, {})


def test_a_target_without_quotes_means_the_same(file: Path) -> None:
    found = read(file, f"{HEAD}[metrics.targets]\nSLM-01 = 97\nSLM-04.percent = 2\n{JIRA}")
    assert found.targets == {"SLM-01": 97.0, "SLM-04.percent": 2.0}


def test_several_sources_of_one_kind(file: Path) -> None:
    found = read(file, HEAD + JIRA + JIRA.replace("jira-itsm", "jira") + SNOW + SNOW.replace("snow-prod", "snow-test"))
    assert list(found.sources) == ["jira-itsm", "jira", "snow-prod", "snow-test"]


def test_which_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("named", "variable", "here"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "sms-evidence.toml").write_text(HEAD.replace("Example", name) + JIRA)
    monkeypatch.chdir(tmp_path / "here")
    environ = {"SMS_EVIDENCE_CONFIG": "../variable/sms-evidence.toml"}
    assert load(Path("../named/sms-evidence.toml"), environ).organization.name == "named"
    assert load(None, environ).organization.name == "variable"
    assert load(None, {"SMS_EVIDENCE_CONFIG": ""}).organization.name == "here"
    found = load(None, {})
    assert found.path == tmp_path / "here" / "sms-evidence.toml"
    assert found.store.evidence.is_absolute()


def test_the_environment_changes_nothing_in_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORGANIZATION", '{"name": "Other", "time_zone": "UTC"}')
    monkeypatch.setenv("POLICY", '{"small_n": 1}')
    (file.parent / ".env").write_text('ORGANIZATION={"name": "Other", "time_zone": "UTC"}\n')
    monkeypatch.chdir(file.parent)
    found = read(file, HEAD + JIRA)
    assert (found.organization.name, found.small_n) == ("Example", 20)


def test_reading_does_not_load_the_database() -> None:
    """`sms-evidence --help` and `check` should not wait for what they don't use."""
    code = "import sys, pipelines.configuration; sys.exit('duckdb' in sys.modules or 'dagster' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env=dict(os.environ), check=False).returncode == 0


# What is refused ------------------------------------------------------------------------------------------------------


def test_no_file(file: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"there is no configuration at .*name one with --config or SMS_EV"):
        load(file, {})
    with pytest.raises(ConfigurationError, match="can't be read"):
        load(file.parent, {})
    file.write_bytes(b'[organization]\nname = "\xff"\n')
    with pytest.raises(ConfigurationError, match="can't be read"):
        load(file, {})


def test_toml_that_is_none_is_refused_with_its_line(file: Path) -> None:
    assert "at line 3, column" in refused(file, "[organization]\nname = 'x'\ntime_zone = Europe\n")
    assert "at line 8" in refused(file, f"{HEAD}[policy]\nsmall_n = 1\n\n[organization]\nname = 'twice'\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{HEAD}[polcy]\nsmall_n = 1\n{JIRA}", "polcy is not a known key; did you mean 'policy'?"),
        (f"{HEAD}[policy]\nsmal_n = 1\n{JIRA}", "policy.smal_n is not a known key; did you mean 'small_n'?"),
        (f"{HEAD}timezone = 'UTC'\n{JIRA}", "organization.timezone is not a known key; did you mean 'time_zone'?"),
        (f"{HEAD}[store]\nwharehouse = 'w'\n{JIRA}", "store.wharehouse is not a known key; did you mean 'warehouse'?"),
        (f"{HEAD}[metrics]\ntarget = 1\n{JIRA}", "metrics.target is not a known key; did you mean 'targets'?"),
        (
            f"{HEAD}{SNOW}pagesize = 5",
            "sources.snow-prod.pagesize is not a known key; did you mean 'page_size'?",
        ),
        (
            HEAD + SNOW.replace("url =", "ulr ="),
            "sources.snow-prod.ulr is not a known key; did you mean 'url'? (and 1 more)",
        ),
        (
            f'{HEAD}{JIRA}[sources.jira-itsm.vlaues."issue.status"]\nx = "y"',
            "sources.jira-itsm.vlaues is not a known key; did you mean 'values'?",
        ),
        (
            f"{HEAD}{JIRA}[sources.jira-itsm.patience]\nattempt = 1",
            "sources.jira-itsm.patience.attempt is not a known key; did you mean 'attempts'?",
        ),
        (f"{HEAD}qqq = 1\n{JIRA}", "organization.qqq is not a known key; known are: name, time_zone"),
        (f"{HEAD}[metrics.targets]\n'SLM-1' = 9\n{JIRA}", 'metrics.targets."SLM-1" is not a known metric; did you'),
        (f"{HEAD}[metrics.targets]\nSLM-04.pct = 9\n{JIRA}", "did you mean 'SLM-04.percent'?"),
        (
            HEAD + SNOW.replace('"servicenow"', '"servicenw"'),
            "'servicenw'; there are: files, jira, servicenow; did you mean",
        ),
        (
            HEAD + SNOW.replace("connector =", "#"),
            "sources.snow-prod.connector is None; there are: files, jira, servicenow",
        ),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_known_one(file: Path, text: str, message: str) -> None:
    assert message in refused(file, text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (JIRA, "organization is missing"),
        (HEAD, "sources is missing"),
        (f"{HEAD}[sources]\n", "[sources] is empty: add a table such as [sources.snow-prod]"),
        (f"{HEAD}[sources]\nx = 1\n", "sources.x: Input should be a valid dictionary"),
        (f"[organization]\nname = ''\ntime_zone = 'UTC'\n{JIRA}", "organization.name: String should have at least 1"),
        (HEAD + SNOW.replace("url =", "#"), "sources.snow-prod.url is missing"),
        (HEAD + SNOW.replace("oauth_password", "kerberos"), "sources.snow-prod.auth: Input should be 'basic'"),
        (f"{HEAD}[policy]\nsmall_n = '20'\n{JIRA}", "policy.small_n: Input should be a valid integer"),
        (f"{HEAD}[policy]\nsmall_n = -1\n{JIRA}", "policy.small_n: Input should be greater than or equal to 0"),
        (f"{HEAD}[metrics.targets]\n'SLM-01' = '97'\n{JIRA}", "metrics.targets.SLM-01: Input should be a valid number"),
        (f"{HEAD}[metrics.targets]\n'SLM-01' = true\n{JIRA}", "metrics.targets.SLM-01: Input should be a valid number"),
        (f"{HEAD}[metrics.targets]\n'SLM-01' = nan\n{JIRA}", "metrics.targets.SLM-01: Input should be a finite number"),
        (f"{HEAD}[store]\nevidence = 'a'\nwarehouse = './a'\n{JIRA}", "store.evidence and store.warehouse must be two"),
        (f"{HEAD}{JIRA}values = 1", 'must be tables like [sources.jira-itsm.values."incident.state"]'),
        (f"{HEAD}{JIRA}[sources.jira-itsm.values]\nx = 'new'", "values.'x' must map vendor words to ours"),
        (f"{HEAD}{JIRA}[sources.jira-itsm.values.x]\n'1' = 1", "values.'x' must map vendor words to ours"),
    ],
)
def test_a_wrong_value_is_refused(file: Path, text: str, message: str) -> None:
    assert message in refused(file, text)


@pytest.mark.parametrize("zone", ["Europe/Amsterdm", "Europe", "", "../UTC", "+02:00"])
def test_a_time_zone_that_is_none(file: Path, zone: str) -> None:
    text = f"[organization]\nname = 'x'\ntime_zone = '{zone}'\n{JIRA}"
    assert refused(file, text) == "organization.time_zone: is no time zone; write it like Europe/Amsterdam"


# Names and the environment --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Snow", "snow_prod", "1snow", "-snow", '"snow prod"', '"snow.prod"', '"ſnow"', '""'])
def test_a_source_name_that_is_none(file: Path, name: str) -> None:
    assert "use small letters, digits and hyphens" in refused(file, HEAD + JIRA.replace("jira-itsm", name))


@pytest.mark.parametrize(
    ("one", "other", "variable"),
    [
        ("jira", "jira-token", "SMS_EVIDENCE_JIRA_TOKEN"),
        ("jira-token", "jira", "SMS_EVIDENCE_JIRA_TOKEN"),
        ("jira", "jira-client-id-2", "SMS_EVIDENCE_JIRA_CLIENT_ID"),
        ("a", "a-token-file", "SMS_EVIDENCE_A_TOKEN"),
    ],
)
def test_sources_that_collide_in_the_environment(file: Path, one: str, other: str, variable: str) -> None:
    message = refused(file, HEAD + JIRA.replace("jira-itsm", one) + JIRA.replace("jira-itsm", other))
    assert f"collide in the environment: {variable} belongs to" in message


@pytest.mark.parametrize(("one", "other"), [("jira", "jira-dev"), ("jira", "jira-tokens"), ("a-b", "a-b-c")])
def test_sources_that_do_not_collide(file: Path, one: str, other: str) -> None:
    assert read(file, HEAD + JIRA.replace("jira-itsm", one) + JIRA.replace("jira-itsm", other))


@pytest.mark.parametrize(
    ("text", "key", "variable"),
    [
        (f"{HEAD}{SNOW}password = 's3cret'", "sources.snow-prod.password", "SMS_EVIDENCE_SNOW_PROD_PASSWORD"),
        (f"{HEAD}{SNOW}user = 's3cret'", "sources.snow-prod.user", "SMS_EVIDENCE_SNOW_PROD_USERNAME"),
        (f"{HEAD}{SNOW}client-secret = 's3cret'", "sources.snow-prod.client-secret", "_SNOW_PROD_CLIENT_SECRET"),
        (f"{HEAD}{JIRA}API_TOKEN = 's3cret'", "sources.jira-itsm.API_TOKEN", "SMS_EVIDENCE_JIRA_ITSM_TOKEN"),
        (f"{HEAD}{JIRA}[sources.jira-itsm.patience]\ntoken = 's3cret'", "patience.token", "_JIRA_ITSM_TOKEN"),
        (f"token = 's3cret'\n{HEAD}{JIRA}", "token", "SMS_EVIDENCE_<SOURCE>_TOKEN"),
    ],
)
def test_a_secret_in_the_file_is_refused_with_the_variable_to_use(
    file: Path, text: str, key: str, variable: str
) -> None:
    message = refused(file, text)
    assert f"{key} does not belong into the file: set " in message
    assert f"{variable} in the environment" in message
    assert "s3cret" not in message


def test_a_password_in_a_url_is_not_repeated(file: Path) -> None:
    text = HEAD + SNOW.replace("https://", "https://reader:s3cret@")
    with pytest.raises(ConfigurationError, match="without user, query or fragment") as caught:
        read(file, text)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__suppress_context__, "the text of pydantic's error, which a traceback would show, has it"


# Secrets --------------------------------------------------------------------------------------------------------------


def test_secrets_are_those_of_the_source(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret with space \n")
    found = secrets(
        "snow-prod",
        {
            "SMS_EVIDENCE_SNOW_PROD_USERNAME": "reader",
            "SMS_EVIDENCE_SNOW_PROD_PASSWORD": "",
            "SMS_EVIDENCE_SNOW_PROD_CLIENT_SECRET_FILE": str(tmp_path / "secret"),
            "SMS_EVIDENCE_SNOW_PROD_TOKEN_FILE": "",
            "SMS_EVIDENCE_SNOW_TOKEN": "another source's",
            "SMS_EVIDENCE_SNOW_PROD_2_TOKEN": "another source's",
            "USERNAME": "nobody",
        },
    )
    assert {name: value.get_secret_value() for name, value in found.items()} == {
        "username": "reader",
        "client_secret": "s3cret with space ",
    }
    assert "s3cret" not in repr(found)
    assert prefix("snow-prod") == "SMS_EVIDENCE_SNOW_PROD"


@pytest.mark.parametrize(("content", "value"), [(b"x\n", "x"), (b"x", "x"), (b"x\r\n", "x"), ("é\n".encode(), "é")])
def test_one_line_break_at_the_end_of_a_file_is_no_part_of_the_secret(
    tmp_path: Path, content: bytes, value: str
) -> None:
    (tmp_path / "secret").write_bytes(content)
    found = secrets("jira", {"SMS_EVIDENCE_JIRA_TOKEN_FILE": str(tmp_path / "secret")})
    assert found["token"].get_secret_value() == value


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "SMS_EVIDENCE_JIRA_TOKEN_FILE names a file that can't be read: "),
        (b"\xff\xfe", "can't be read"),
        (b"", "SMS_EVIDENCE_JIRA_TOKEN_FILE names an empty file: "),
        (b"\n", "names an empty file"),
        (b"s3cret\n\n", "SMS_EVIDENCE_JIRA_TOKEN has a line break"),
        (b"s3cret\nmore\n", "has a line break"),
        (b"s3cret\x00", "another control character"),
    ],
)
def test_a_secret_file_that_is_none(tmp_path: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / "secret").write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        secrets("jira", {"SMS_EVIDENCE_JIRA_TOKEN_FILE": str(tmp_path / "secret")})
    assert message in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_secret_given_in_both_ways(tmp_path: Path) -> None:
    environ = {"SMS_EVIDENCE_JIRA_TOKEN": "x", "SMS_EVIDENCE_JIRA_TOKEN_FILE": str(tmp_path / "secret")}
    with pytest.raises(ConfigurationError, match="TOKEN and SMS_EVIDENCE_JIRA_TOKEN_FILE are both set: unset one"):
        secrets("jira", environ)
