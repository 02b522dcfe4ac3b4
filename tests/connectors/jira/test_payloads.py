"""Real answers of Jira (set SMS_EVIDENCE_REAL_DATA) are cut into records that are the bytes as sent, with key and time.

They hold what invented data does not: other alphabets, nulls where the contract says text, times with odd offsets.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from connectors import content
from connectors.http import BrokenAnswer
from connectors.jira.answers import BulkIssues, ChangelogPage, SearchPage, decode, moment
from connectors.jira.paging import issues
from connectors.jira.records import field_values, history_page, issue_page, list_page
from connectors.jira.streams import ISSUE

ISSUES = ("raw_jira_api_issues", "raw_jira_api_issues_for_due_date", "raw_jira_api_issue_relationships")
LISTS = ("raw_jira_api_issue_types", "raw_jira_api_status", "raw_jira_api_projects")


@pytest.fixture(scope="module")
def folder() -> Path:
    found = os.environ.get("SMS_EVIDENCE_REAL_DATA")
    if not found:
        pytest.skip("SMS_EVIDENCE_REAL_DATA does not name the folder with real answers")
    return Path(found, "jira-payloads")


def lines(folder: Path, name: str) -> list[bytes]:
    return [line for line in (folder / f"{name}.jsonl").read_bytes().splitlines() if line.strip()]


def test_every_file_is_looked_at(folder: Path) -> None:
    # sprints and worklogs belong to no stream; they are parsed below like any list
    known = {*ISSUES, *LISTS, "raw_jira_api_issue_changelogs", "raw_jira_api_sprints", "raw_jira_api_worklogs"}
    assert {path.stem for path in folder.glob("*.jsonl")} == known


@pytest.mark.parametrize("name", ISSUES)
def test_issues_are_cut_out_of_a_page_as_sent(folder: Path, name: str) -> None:
    sent = lines(folder, name)
    body = b'{"isLast": true, "issues": [' + b" ,\n ".join(sent) + b"]}"
    found = issues(decode(body, SearchPage).issues)
    page = issue_page(ISSUE, found.heads, found.records)
    assert page.records == sent
    assert page.keys == [json.loads(line)["id"] for line in sent]
    assert all(key.isdigit() for key in page.keys)
    for line, time in zip(sent, page.updated, strict=True):
        text = json.loads(line)["fields"].get("updated")
        assert time == (text and datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z").astimezone(UTC))
    assert decode(b'{"issues": [' + b",".join(sent) + b'], "issueErrors": []}', BulkIssues).issues


@pytest.mark.parametrize("name", ISSUES)
def test_content_holds_all_that_does_not_move_with_the_clock(folder: Path, name: str) -> None:
    for line in lines(folder, name):
        document = json.loads(line)
        document["fields"].pop("lastViewed", None)
        document.pop("expand", None)
        assert json.loads(content(line, ISSUE.volatile)) == document


def test_histories_are_cut_out_of_a_page_as_sent(folder: Path) -> None:
    sent = lines(folder, "raw_jira_api_issue_changelogs")
    half = len(sent) // 2
    logs = [
        b'{"issueId": "10063", "changeHistories": [' + b", ".join(sent[:half]) + b"]}",
        b'{"issueId": "10064", "changeHistories": [' + b", ".join(sent[half:]) + b"]}",
    ]
    answer = decode(b'{"issueChangeLogs": [' + b",".join(logs) + b'], "nextPageToken": null}', ChangelogPage)
    page = history_page((log.issueId, raw) for log in answer.issueChangeLogs for raw in log.changeHistories)
    assert page.records == sent
    assert page.keys[0] == f"10063/{json.loads(sent[0])['id']}"
    assert page.keys[-1] == f"10064/{json.loads(sent[-1])['id']}"
    for line, time in zip(sent, page.updated, strict=True):
        text = json.loads(line)["created"]
        assert time == datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z").astimezone(UTC)


@pytest.mark.parametrize("name", [*LISTS, "raw_jira_api_worklogs"])
def test_lists_are_cut_as_sent(folder: Path, name: str) -> None:
    sent = lines(folder, name)
    raws = decode(b"[" + b",\n".join(sent) + b"]", list[msgspec.Raw])
    page = list_page([bytes(raw) for raw in raws])
    assert page.records == sent
    assert page.keys == [json.loads(line)["id"] for line in sent]


def test_sprints_have_numbers_for_ids_and_are_refused(folder: Path) -> None:
    for line in lines(folder, "raw_jira_api_sprints"):
        with pytest.raises(BrokenAnswer):
            list_page([line])


def test_numbers_and_duplicate_names_stay_as_sent() -> None:
    record = b'{"id":"1","fields":{"a":1E5,"b":0.10,"c":123456789012345678901234567890,"a":2},  "x":"\\u00e9"}'
    found = issues(decode(b'{"issues":[' + record + b"]}", SearchPage).issues)
    assert found.records == [record]


def test_a_running_clock_makes_no_other_content() -> None:
    def issue(elapsed: int, breached: bool) -> bytes:
        cycle = {
            "startTime": {"epochMillis": 1},
            "breached": breached,
            "withinCalendarHours": elapsed > 5,
            "elapsedTime": {"millis": elapsed},
            "remainingTime": {"millis": -elapsed},
        }
        fields = {"customfield_1": {"name": "Time to resolution", "ongoingCycle": cycle}, "lastViewed": str(elapsed)}
        return json.dumps({"id": "1", "fields": fields}).encode()

    assert content(issue(1, False), ISSUE.volatile) == content(issue(9, False), ISSUE.volatile)
    assert content(issue(9, False), ISSUE.volatile) != content(issue(9, True), ISSUE.volatile)


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("2026-01-02T03:04:05.000+0200", datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC)),
        ("2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (1492070429, datetime(2017, 4, 13, 8, 0, 29, tzinfo=UTC)),
        (1492070429000, datetime(2017, 4, 13, 8, 0, 29, tzinfo=UTC)),
        ("1492070429", datetime(2017, 4, 13, 8, 0, 29, tzinfo=UTC)),
        ("2026-01-02T03:04:05", None),
        ("yesterday", None),
        (None, None),
    ],
)
def test_times_are_read_in_every_form_that_jira_sends(sent: str | int | None, meant: datetime | None) -> None:
    assert moment(sent) == meant


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b'{"issues": null}', b'{"issues": [], "errorMessages": ["index locked"]}', b"<html>", b'{"issues": ['],
)
def test_what_is_no_page_of_issues_is_refused(body: bytes) -> None:
    with pytest.raises(BrokenAnswer):
        decode(body, SearchPage)


def test_an_issue_without_an_id_is_refused() -> None:
    with pytest.raises(BrokenAnswer):
        issues(decode(b'{"issues":[{"key":"OPS-1"}]}', SearchPage).issues)


def test_values_of_fields_are_those_that_are_there() -> None:
    assert field_values(b'{"id":"1","fields":{"a":null,"b":[1 ]}}', ["a", "b", "c"]) == [b"[1 ]"]
