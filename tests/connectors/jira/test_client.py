"""What the connector asks of Jira and how it takes the answers: nothing is lost, cut or doubled without a word.

The faults are those that lose issues in the library's own paging (short, empty and repeated pages, offsets that shift)
and those that look like success (anonymous answers, missing projects, cut histories). Served over real sockets by a
scripted site; the whole conversation with a site that behaves is tested against the simulator.
"""

from __future__ import annotations

import base64
import inspect
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import jira
import pytest
from pydantic import SecretStr, ValidationError

from connectors import Connector, Page, Reading
from connectors.http import (
    BrokenAnswer,
    Forbidden,
    Inconsistent,
    InsecureUrl,
    NotAuthenticated,
    ServerFailed,
    SourceError,
)
from connectors.jira import STREAMS, Settings

STREAM = {stream.name: stream for stream in STREAMS}
CLOUD = {"username": SecretStr("evidence@example.com"), "token": SecretStr("s3cret")}
TOKEN = {"token": SecretStr("s3cret")}
NOW = "2026-11-01T03:30:00.000+0100"


def issue(number: int, project: str = "10000", updated: str = NOW) -> bytes:
    # the spaces and the number are there to be kept
    return (
        f'{{"id": "{number}",  "key":"OPS-{number}", "fields":{{"created":"{updated}","updated":"{updated}",'
        f'"project":{{"id":"{project}"}},"customfield_1":1E5}}}}'
    ).encode()


def answer(*issues: bytes, **more: object) -> bytes:
    rest = "".join(f", {json.dumps(name)}: {json.dumps(value)}" for name, value in more.items())
    return b'{"issues": [' + b",".join(issues) + b"]" + rest.encode() + b"}"


def paged(pages: Mapping[str | None, bytes]) -> Callable[..., bytes]:
    """Pages by token; the census (ids alone) gets them all at once."""
    return lambda query, _: pages[query.get("nextPageToken")]


def read(connector: Connector, name: str, reading: Reading | None = None, *parents: str) -> list[Page]:
    asked = [("issue", key) for key in parents]
    return list(connector.read(STREAM[name], reading or Reading("full"), asked))


def keys(pages: list[Page]) -> list[str]:
    return [key for page in pages for key in page.keys]


# ------------------------------------------------------------------- log-in


def test_the_library_still_has_what_we_use_of_it() -> None:
    """``_get_json`` is private: the pinned version has it, another may not."""
    assert jira.__version__ == "3.10.5"
    assert list(inspect.signature(jira.JIRA._get_json).parameters) == ["self", "path", "params", "base", "use_post"]
    assert "get_server_info" in inspect.signature(jira.JIRA).parameters


def test_cloud_logs_in_with_address_and_token(site: Any) -> None:
    identity = site.made().open()
    assert (identity.account, identity.server_time) == ("u1", datetime(2026, 11, 1, 2, 30, tzinfo=UTC))
    assert site.authorization == {"Basic " + base64.b64encode(b"evidence@example.com:s3cret").decode()}
    assert [endpoint for _, endpoint, *_ in site.asked] == ["3/myself", "3/serverInfo", "3/project/search"]


def test_a_name_beyond_latin_letters_is_sent_as_utf8(site: Any) -> None:
    site.made(CLOUD | {"username": SecretStr("zoë@例え.example")}).open()
    assert site.authorization == {"Basic " + base64.b64encode("zoë@例え.example:s3cret".encode()).decode()}


def test_data_center_logs_in_with_a_token_alone(site: Any) -> None:
    identity = site.made(TOKEN, deployment="datacenter").open()
    assert identity.account == "evidence"
    assert site.authorization == {"Bearer s3cret"}


def test_the_clock_is_the_date_header_when_the_site_states_no_time(site: Any) -> None:
    site.routes["3/serverInfo"] = lambda *_: {"deploymentType": "Cloud"}
    assert abs(site.made().open().server_time - datetime.now(UTC)) < timedelta(minutes=1)


def test_no_token_names_the_variables_to_set(site: Any) -> None:
    with pytest.raises(NotAuthenticated, match="SMS_EVIDENCE_JIRA_ITSM_TOKEN"):
        site.made({}).open()


def test_plain_http_to_another_machine_is_refused(site: Any) -> None:
    with pytest.raises(InsecureUrl):
        site.made(url="http://jira.example.com").open()


def test_an_answer_as_to_a_visitor_is_a_refused_log_in(site: Any) -> None:
    connector = site.opened()
    refused = {"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}
    site.routes["3/search/jql"] = lambda *_: (200, refused, {"issues": [], "isLast": True})
    with pytest.raises(NotAuthenticated):
        read(connector, "issue")


def test_a_project_that_is_not_shown_is_named(site: Any) -> None:
    with pytest.raises(Forbidden, match=r"HR, FIN.*Browse projects"):
        site.made(projects=["OPS", "HR", "FIN"]).open()


def test_all_pages_of_projects_are_looked_at(site: Any) -> None:
    shown = [{"id": str(n), "key": f"P{n}"} for n in range(5)]
    site.routes["3/project/search"] = lambda query, _: {
        "values": shown[int(query["startAt"]) :][:2],
        "isLast": int(query["startAt"]) >= 4,
        "total": 5,
    }
    connector = site.opened(projects=["P4", "P0"])
    assert keys(read(connector, "project")) == ["4", "0"]


def test_the_wrong_deployment_is_noticed(site: Any) -> None:
    site.routes["3/serverInfo"] = lambda *_: {"deploymentType": "Server", "serverTime": NOW}
    with pytest.raises(Inconsistent, match="deployment"):
        site.made().open()


def test_another_account_at_the_end_is_noticed(site: Any) -> None:
    connector = site.opened()
    connector.close()
    connector = site.opened()
    site.routes["3/myself"] = lambda *_: {"accountId": "u2"}
    with pytest.raises(Inconsistent, match="began as u1 and ended as u2"):
        connector.close()


def test_secrets_stand_in_no_error(site: Any) -> None:
    site.routes["3/myself"] = lambda *_: (401, {}, {"errorMessages": ["no"]})
    del site.routes["2/serverInfo"]
    with pytest.raises(NotAuthenticated) as caught:
        site.made().open()
    assert "s3cret" not in f"{caught.value!r} {caught.value}"
    assert "s3cret" not in repr(site.made().__dict__)


# ------------------------------------------------------------------- issues


def test_issues_come_as_sent_from_every_page_also_after_short_and_empty_ones(site: Any) -> None:
    site.routes["3/search/jql"] = paged(
        {
            None: answer(issue(1), issue(2), nextPageToken="a", isLast=False),
            "a": answer(nextPageToken="b", isLast=False),
            "b": answer(issue(3), nextPageToken="c"),
            "c": answer(issue(4), isLast=True),
        }
    )
    connector, reading = site.opened(page_size=2), Reading("full")
    pages = read(connector, "issue", reading)
    assert [record for page in pages for record in page.records] == [issue(n) for n in (1, 2, 3, 4)]
    assert keys(pages) == ["1", "2", "3", "4"]
    assert {time for page in pages for time in page.updated} == {datetime(2026, 11, 1, 2, 30, tzinfo=UTC)}
    assert (reading.pages, reading.retries) == (4, 0)
    assert reading.requests == 1 + 4 + 1, "the fields, the pages, the account"
    swept = [sweep.keys for sweep in connector.census(STREAM["issue"], reading)]
    assert [key for part in swept for key in part] == ["1", "2", "3", "4"]
    assert reading.source_count == 4


def test_the_search_names_fields_and_asks_to_fail_loudly(site: Any) -> None:
    site.routes["3/field"] = lambda *_: [
        {"id": "customfield_7", "name": "Impact", "custom": True, "schema": {"type": "option"}}
    ]
    connector = site.opened(page_size=50)
    read(connector, "issue")
    list(connector.census(STREAM["issue"], Reading("full")))
    (query, _), (census, _) = site.of("3/search/jql")
    assert query["failFast"] == "true"
    assert query["maxResults"] == "50"
    assert query["jql"] == "project in (10000) ORDER BY updated ASC"
    assert query["fields"].split(",")[-1] == "customfield_7"
    assert "nextPageToken" not in query
    assert (census["fields"], census["maxResults"]) == ("id", "5000")
    assert census["jql"].startswith("project = 10000 ")


def test_the_next_run_begins_26_hours_before_the_clock_of_the_last(site: Any) -> None:
    connector, first = site.opened(), Reading("full")
    read(connector, "issue", first)
    assert first.watermark_to is not None
    assert first.watermark_to.startswith("2026-11-01T02:30:00+00:00")
    read(connector, "issue", Reading("incremental", first.watermark_to))
    jql = site.of("3/search/jql")[1][0]["jql"]
    assert jql == 'project in (10000) AND updated >= "2026-10-31 00:30" ORDER BY updated ASC'


def test_what_moves_without_an_update_is_read_every_time_at_a_service_desk(site: Any) -> None:
    custom = {"type": "sd-approvals", "custom": "com.atlassian.servicedesk.approvals-plugin:sd-approvals"}
    site.routes["3/field"] = lambda *_: [{"id": "customfield_7", "name": "Approvals", "custom": True, "schema": custom}]
    for days, condition in [
        (60, '(updated >= "2026-10-31 00:30" OR statusCategory != Done OR resolved >= "2026-09-01 00:30")'),
        (0, 'updated >= "2026-10-31 00:30"'),
    ]:
        connector, first = site.opened(reread_days=days), Reading("full")
        read(connector, "issue", first)
        site.asked.clear()
        read(connector, "issue", Reading("incremental", first.watermark_to))
        jql = site.of("3/search/jql")[0][0]["jql"]
        assert jql == f"project in (10000) AND {condition} ORDER BY updated ASC"


def test_everything_is_read_again_when_other_fields_are_asked_for(site: Any) -> None:
    connector, first = site.opened(), Reading("full")
    read(connector, "issue", first)
    site.routes["3/field"] = lambda *_: [
        {"id": "customfield_7", "name": "Impact", "custom": True, "schema": {"type": "option"}}
    ]
    read(site.opened(), "issue", Reading("incremental", first.watermark_to))
    assert "updated >=" not in site.of("3/search/jql")[1][0]["jql"]


@pytest.mark.parametrize(
    ("pages", "error"),
    [
        ({None: answer(issue(1), nextPageToken="a"), "a": answer(issue(2), nextPageToken="a")}, Inconsistent),
        ({None: answer(issue(1), isLast=False)}, Inconsistent),
        ({None: b"{}"}, BrokenAnswer),
        ({None: answer(issue(1), errorMessages=["a shard is down"])}, BrokenAnswer),
        ({None: answer(b'{"key":"OPS-1"}')}, BrokenAnswer),
    ],
    ids=["token twice", "more but no token", "no issues", "error in success", "no id"],
)
def test_paging_that_cannot_be_trusted_ends_the_read(
    site: Any, pages: Mapping[str | None, bytes], error: type[SourceError]
) -> None:
    site.routes["3/search/jql"] = paged(pages)
    connector, reading = site.opened(), Reading("full")
    with pytest.raises(error):
        read(connector, "issue", reading)
    assert reading.watermark_to is None
    assert reading.requests > 0, "also a failed read is in the ledger"


def test_an_ambiguous_field_ends_the_read_with_the_line_to_paste(site: Any) -> None:
    field = {"name": "Impact", "custom": True, "schema": {"type": "option"}}
    listed = [{"id": f"customfield_{n}", **field} for n in (7, 8)]
    site.routes["3/field"] = lambda *_: listed
    with pytest.raises(Inconsistent, match='impact = "customfield_7"'):
        read(site.opened(), "issue")
    assert len(read(site.opened(fields={"impact": "customfield_8"}), "issue")) == 1

    def records(stream: str) -> list[bytes]:
        return [json.dumps(one).encode() for one in (listed if stream == "field" else [])]

    assert site.made().columns(STREAM["issue"], records)["impact"].path == ""
    chosen = site.made(fields={"impact": "customfield_8"}).columns(STREAM["issue"], records)
    assert chosen["impact"].path == "fields.customfield_8.value"


def test_named_issues_are_those_still_in_the_configured_projects(site: Any) -> None:
    shown = {"1": issue(1), "2": issue(2, project="99")}
    site.routes["3/issue/bulkfetch"] = lambda _, body: answer(
        *(shown[id_] for id_ in body["issueIdsOrKeys"] if id_ in shown), issueErrors=[]
    )
    connector = site.opened()
    assert keys(list(connector.fetch(STREAM["issue"], ["1", "2", "3"], Reading("full")))) == ["1"]
    first, second = (body for _, body in site.of("3/issue/bulkfetch"))
    assert first == {"issueIdsOrKeys": ["1", "2", "3"], "fields": ["project", "archiveddate"]}
    assert second["issueIdsOrKeys"] == ["1"], "what is elsewhere or in the archive is not read"
    assert set(second) == {"issueIdsOrKeys", "fields"}


def test_named_issues_come_a_hundred_at_a_time(site: Any) -> None:
    site.routes["3/issue/bulkfetch"] = lambda _, body: answer(*map(issue, map(int, body["issueIdsOrKeys"])))
    found = keys(list(site.opened().fetch(STREAM["issue"], [str(n) for n in range(250)], Reading("full"))))
    assert len(found) == 250
    assert sorted(len(body["issueIdsOrKeys"]) for _, body in site.of("3/issue/bulkfetch")) == [50, 50, *[100] * 4]


def test_trouble_with_a_named_issue_is_not_its_absence(site: Any) -> None:
    site.routes["3/issue/bulkfetch"] = lambda *_: answer(issueErrors=[{"id": "2", "errorMessage": "try later"}])
    with pytest.raises(ServerFailed, match="try later"):
        list(site.opened().fetch(STREAM["issue"], ["2"], Reading("full")))


def test_an_issue_that_was_not_asked_for_is_noticed(site: Any) -> None:
    site.routes["3/issue/bulkfetch"] = lambda _, body: answer(issue(2 if len(body["fields"]) == 2 else 5))
    with pytest.raises(Inconsistent):
        list(site.opened().fetch(STREAM["issue"], ["2"], Reading("full")))


def test_being_told_to_wait_is_counted(site: Any) -> None:
    answers = iter([(429, {"Retry-After": "0.01"}, {}), (200, {}, answer(issue(1), isLast=True))])
    site.routes["3/search/jql"] = lambda query, _: next(answers) if "status" in query["fields"] else answer(issue(1))
    reading = Reading("full")
    assert keys(read(site.opened(), "issue", reading)) == ["1"]
    assert reading.retries == 1


# ---------------------------------------------------------------- histories


def history(number: int, **more: object) -> dict[str, object]:
    return {"id": str(number), "created": NOW, "items": [], **more}


def test_histories_spread_over_pages_keep_their_issue(site: Any) -> None:
    pages = {
        None: {
            "issueChangeLogs": [
                {"issueId": "1", "changeHistories": [history(11)]},
                {"issueId": "2", "changeHistories": [history(21, created=1792463400000)]},
            ],
            "nextPageToken": "a",
        },
        "a": {"issueChangeLogs": [{"issueId": "1", "changeHistories": [history(12)]}], "nextPageToken": None},
    }
    site.routes["3/changelog/bulkfetch"] = lambda _, body: pages[body.get("nextPageToken")]
    site.routes["3/issue/bulkfetch"] = lambda *_: {"issues": [{"id": "1", "changelog": {"histories": [], "total": 2}}]}
    reading = Reading("incremental", "earlier-run")
    found = read(site.opened(changelog_page_size=2), "changelog", reading, "1", "2", "3")
    assert keys(found) == ["1/11", "2/21", "1/12"]
    assert json.loads(found[0].records[1]) == history(21, created=1792463400000)
    assert found[0].updated[1] == datetime(2026, 10, 20, 2, 30, tzinfo=UTC)
    assert (reading.source_count, reading.pages, reading.watermark_to) == (3, 2, None)
    assert [body for _, body in site.of("3/changelog/bulkfetch")] == [
        {"issueIdsOrKeys": ["1", "2", "3"], "maxResults": 2},
        {"issueIdsOrKeys": ["1", "2", "3"], "maxResults": 2, "nextPageToken": "a"},
    ]


def test_histories_are_asked_for_a_thousand_issues_at_a_time(site: Any) -> None:
    site.routes["3/changelog/bulkfetch"] = lambda *_: {"issueChangeLogs": []}
    site.routes["3/issue/bulkfetch"] = lambda *_: {"issues": []}
    connector = site.opened()
    assert read(connector, "changelog") == []
    assert keys(read(connector, "changelog", None, *(str(n) for n in range(1001)))) == []
    assert sorted(len(body["issueIdsOrKeys"]) for _, body in site.of("3/changelog/bulkfetch")) == [1, 1000]


def test_histories_of_another_issue_are_noticed(site: Any) -> None:
    site.routes["3/changelog/bulkfetch"] = lambda *_: {"issueChangeLogs": [{"issueId": "9", "changeHistories": []}]}
    with pytest.raises(Inconsistent, match="unasked"):
        read(site.opened(), "changelog", None, "1")


# -------------------------------------------------------------------- lists


def test_lists_are_read_whole_each_time_and_counted(site: Any) -> None:
    connector, reading = site.opened(), Reading("incremental", "2026-10-31T00:00:00+00:00")
    pages = read(connector, "status", reading)
    assert keys(pages) == ["1", "3"]
    assert (reading.source_count, reading.pages, reading.requests) == (2, 1, 2)
    assert reading.watermark_to == "2026-11-01T02:30:00+00:00"
    assert [sweep.keys for sweep in connector.census(STREAM["status"], reading)] == [["1", "3"]]
    assert keys(list(connector.fetch(STREAM["status"], ["3", "4"], reading))) == ["3"]


def test_a_stream_that_the_configuration_leaves_out_is_said_to_be(site: Any) -> None:
    connector = site.made(skip=["changelog"])
    assert "changelog" not in [stream.name for stream in connector.streams()]
    assert "changelog" in connector.skipped()


@pytest.mark.parametrize(
    "wrong",
    [
        {"projects": []},
        {"projects": ["OPS) OR (1=1"]},
        {"skip": ["issues"]},
        {"fields": {"colour": "customfield_1"}},
        {"fields": {"impact": "Impact"}},
        {"overlap_hours": 2},
        {"url": "https://user:secret@example.atlassian.net"},
        {"colour": "red"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_settings_that_cannot_work_are_refused(site: Any, wrong: Mapping[str, object]) -> None:
    with pytest.raises(ValidationError):
        site.made(**wrong)


def test_the_address_of_assets_is_derived_unless_it_is_given() -> None:
    base = {"connector": "jira", "url": "https://jira.example.com", "projects": ["OPS"]}
    assert Settings.model_validate(base).assets_address == "https://api.atlassian.com/jsm/assets"
    own = Settings.model_validate(base | {"deployment": "datacenter"})
    assert own.assets_address == "https://jira.example.com/rest/assets/1.0"
    given = Settings.model_validate(base | {"assets_url": "https://assets.example.com/"})
    assert given.assets_address == "https://assets.example.com"
